// SPDX-License-Identifier: GPL-2.0

// 10,000 goroutines in rings that pass tokens on and sleep, one that makes garbage, and timers. "PASS" once the file
// "go" is there, if no token was lost.
package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	rings   = 100
	members = 100
)

var (
	passed int64
	end    int32
)

// Adds one to what comes in and passes it on; a token of -1 ends the ring.
func member(in <-chan int64, out chan<- int64, wait *sync.WaitGroup) {
	defer wait.Done()
	for token := range in {
		if token < 0 {
			out <- token
			return
		}
		atomic.AddInt64(&passed, 1)
		if token%members == 7 {
			time.Sleep(time.Millisecond)
		}
		out <- token + 1
	}
}

func garbage(wait *sync.WaitGroup) {
	defer wait.Done()
	kept := make(map[int]string)
	for i := 0; atomic.LoadInt32(&end) == 0; i++ {
		kept[i%5000] = fmt.Sprint("value ", i)
		if was, ok := kept[(i+1)%5000]; ok && was != fmt.Sprint("value ", i-4999) {
			fmt.Println("FAIL: the map holds", was)
			os.Exit(1)
		}
		if i%200 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func main() {
	var all sync.WaitGroup
	var heads []chan int64
	var tails []chan int64
	for r := 0; r < rings; r++ {
		first := make(chan int64, 1)
		in := first
		for m := 0; m < members; m++ {
			out := make(chan int64, 1)
			all.Add(1)
			go member(in, out, &all)
			in = out
		}
		heads, tails = append(heads, first), append(tails, in)
	}
	var turns [rings]int64
	var hosts sync.WaitGroup
	for r := 0; r < rings; r++ {
		hosts.Add(1)
		go func(r int) {
			defer hosts.Done()
			for atomic.LoadInt32(&end) == 0 {
				heads[r] <- turns[r] * members
				turns[r]++
				if got := <-tails[r]; got != turns[r]*members {
					fmt.Println("FAIL: token", got, "after turn", turns[r])
					os.Exit(1)
				}
				time.Sleep(20 * time.Millisecond)
			}
			heads[r] <- -1
			<-tails[r]
		}(r)
	}
	hosts.Add(1)
	go garbage(&hosts)
	for {
		if _, err := os.Stat("go"); err == nil {
			break
		}
		text := fmt.Sprintln(atomic.LoadInt64(&passed))
		if os.WriteFile("progress.new", []byte(text), 0644) != nil || os.Rename("progress.new", "progress") != nil {
			os.Exit(1)
		}
		time.Sleep(10 * time.Millisecond)
	}
	atomic.StoreInt32(&end, 1)
	hosts.Wait()
	all.Wait()
	var sum int64
	for _, n := range turns {
		sum += n * members
	}
	if sum != atomic.LoadInt64(&passed) {
		fmt.Println("FAIL: passed on", passed, "of", sum)
		os.Exit(1)
	}
	fmt.Println("PASS")
}
