// Is a service of this container well? node probe.mjs URL: exit code 0 if it answers 200 within 2 s, else 1 and why.
const [url] = process.argv.slice(2)
try {
  const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(2_000) })
  if (!ok) throw new Error(`answered ${status}`)
} catch (error) {
  process.stderr.write(`${url}: ${error.cause?.message ?? error.message}\n`)
  process.exitCode = 1
}
