// Two goroutines, each with a chain of its own, on whatever thread the runtime gives them.
package main

import (
	"fmt"
	"time"
)

var sinks [2]uint64

//go:noinline
func burn(cells *[16]uint64, n uint64) uint64 {
	var own [32]uint64
	for i := uint64(0); i < 10000000; i++ {
		own[i&31] = own[(i+7)&31]*31 + i + n
	}
	cells[n&15] = own[3]
	return own[n&31]
}

//go:noinline
func step(cells *[16]uint64, n uint64) uint64 { return burn(cells, n) + 1 }

//go:noinline
func one() {
	var cells [16]uint64
	for {
		sinks[0] = step(&cells, sinks[0])
	}
}

//go:noinline
func other() {
	var cells [16]uint64
	for {
		sinks[1] = burn(&cells, sinks[1])
	}
}

func main() {
	fmt.Println(`{"entry":0}`)
	go one()
	go other()
	time.Sleep(150 * time.Second)
}
