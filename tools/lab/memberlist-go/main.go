// Command memberlist-go is a node on HashiCorp's memberlist library, for rings in which Weft's own
// nodes sit beside it, and for recording what the library sends.
//
//	memberlist-go node OPTIONS     OPTIONS as JSON; then commands on stdin and events on stdout,
//	                               a JSON object a line; ends with stdin
//	memberlist-go record           golden vectors as JSON on stdout
//
// The library is version 0.2.2, which knows no labels: so none are spoken of here.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "memberlist-go:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "node":
		return runNode([]byte(args[1]), os.Stdin, os.Stdout)
	case len(args) == 1 && args[0] == "record":
		return record(os.Stdout)
	}
	return fmt.Errorf("usage: memberlist-go node OPTIONS | memberlist-go record")
}
