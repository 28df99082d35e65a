// JavaScript calls itself: down 20 times, burn.
let sink = 0

function burn(rounds) {
  for (let i = 0; i < rounds; i++) sink = (Math.imul(sink, 31) + i) | 0
}

function down(depth, rounds) {
  if (depth <= 1) burn(rounds)
  else down(depth - 1, rounds)
  sink++
}

// Compiled before anyone looks: a function that is interpreted has no address of its own, so no name in a perf map.
for (let i = 0; i < 20_000; i++) down(20, 100)
process.stdout.write('{"entry":0}\n')
setTimeout(() => process.exit(1), 150_000).unref()
const round = () => {
  down(20, 20_000_000)
  setImmediate(round)
}
round()
