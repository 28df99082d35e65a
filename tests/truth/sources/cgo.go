// There and back: Go calls C, which calls Go, which calls C, which burns.
package main

/*
extern void go_middle(void);

static volatile unsigned long c_sink;

__attribute__((noinline)) static void c_burn(void)
{
	for (unsigned long i = 0; i < 10000000; i++)
		c_sink = c_sink * 31 + i;
}

__attribute__((noinline)) static void c_inner(void) { c_burn(); c_sink++; }

__attribute__((noinline)) static void c_outer(void) { go_middle(); c_sink++; }
*/
import "C"

import (
	"fmt"
	"time"
)

var count int

//export go_middle
func go_middle() {
	C.c_inner()
	count++
}

//go:noinline
func enter() {
	C.c_outer()
	count++
}

func main() {
	fmt.Println(`{"entry":0}`)
	go func() { time.Sleep(150 * time.Second); panic("nobody ended this program") }()
	for {
		enter()
	}
}
