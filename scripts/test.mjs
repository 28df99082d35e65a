// npm test: sets up, builds and proves everything; its last line reads "N passed, N failed".
// Steps that only read (types, style, imports) count as one test each; then the unit tests; then end to end; then
// programs that know their own stacks.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build } from './build.mjs'
import {
  bin,
  checkNode,
  installNodePackages,
  installSystemPackages,
  root,
  run,
  say,
  TEST_TOOLS,
} from './setup.mjs'

const STATIC_CHECKS = [
  { name: 'types', command: [bin('tsc'), '-p', '.'] },
  { name: 'format and lint', command: [bin('biome'), 'check', '--reporter=summary'] },
  { name: 'direction of imports', command: [process.execPath, 'scripts/imports.mjs'] },
]

checkNode()
const started = Date.now()
const tally = { passed: 0, failed: 0 }
const failures = []
const reports = path.join(root, 'build', 'test-reports')
try {
  const [, system] = await Promise.all([installNodePackages(), installSystemPackages(TEST_TOOLS)])
  if (system.missing.length > 0)
    throw new Error(`the tests need ${system.missing.join(', ')}; as root: ${system.cure}`)
  await build(['bpf', 'node', 'web'])
  rmSync(reports, { recursive: true, force: true })
  mkdirSync(reports, { recursive: true })
  for (const check of STATIC_CHECKS) await runStatic(check)
  await runVitest('unit tests', [])
  await runVitest('end to end', ['--config', 'tests/e2e/vitest.config.ts'])
  await runVitest('truth', ['--config', 'tests/truth/vitest.config.ts'])
} catch (error) {
  count(0, 1, error.message)
}
say(`npm test took ${Math.round((Date.now() - started) / 1000)} s`)
for (const failure of failures) say(`failed: ${failure}`)
process.exitCode = tally.failed === 0 ? 0 : 1
// On stdout and last, for whoever counts.
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`)

function count(passed, failed, what) {
  tally.passed += passed
  tally.failed += failed
  if (failed > 0) failures.push(what)
}

async function runStatic({ name, command: [command, ...args] }) {
  const { code, output } = await run(command, args, { quiet: true })
  say(`${code === 0 ? 'ok    ' : 'FAILED'} ${name}`)
  if (code !== 0) say(output)
  count(code === 0 ? 1 : 0, code === 0 ? 0 : 1, name)
}

async function runVitest(name, args) {
  say(`running ${name}`)
  const file = path.join(reports, `${name.replaceAll(' ', '-')}.json`)
  const began = Date.now()
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const { code } = await run(bin('vitest'), ['run', ...reporters, ...args])
  const report = readReport(file)
  // A crash outside any test leaves a bad exit code and no failed test: it must not count as green.
  const failed = Math.max(report.failed, code === 0 ? 0 : 1)
  count(report.passed, failed, `${name} (vitest ended with ${code})`)
  if (report.passed + failed === 0) count(0, 1, `${name}: no test ran`)
  say(`${name}: ${report.passed} passed, ${failed} failed in ${Math.round((Date.now() - began) / 1000)} s`)
}

function readReport(file) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(file, 'utf8'))
    return { passed: numPassedTests, failed: numFailedTests }
  } catch (error) {
    say(`no report of the tests: ${error.message}`)
    return { passed: 0, failed: 1 }
  }
}
