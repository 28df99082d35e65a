// A leaf that saves no frame pointer: its caller must be there. main.main, main.outer, main.caller, main.leaf.
package main

import (
	"fmt"
	"time"
)

var sink uint64

//go:noinline
func leaf(n uint64) uint64 {
	x := n
	for i := uint64(0); i < 10000000; i++ {
		x = x*31 + i
	}
	return x
}

//go:noinline
func caller(n uint64) uint64 { return leaf(n) + 1 }

//go:noinline
func outer(n uint64) uint64 { return caller(n) + 1 }

func main() {
	fmt.Println(`{"entry":0}`)
	go func() { time.Sleep(150 * time.Second); panic("nobody ended this program") }()
	for {
		sink = outer(sink)
	}
}
