// The rule that hands packets to kube-network-policies where the kernel lacks nftables' own queue statement, which that
// program's rules need. What becomes of a packet is not decided here: the program reads the queue and judges.
//
// It prints `own` where the program's own rules can be had and nothing was done, `handed` where the rule was put.
package main

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
)

// The queue that the program reads by default.
const queue = 100

func main() {
	if possible() {
		fmt.Println("own")
		return
	}
	if err := hand(); err != nil {
		fmt.Fprintf(os.Stderr, "the kernel has neither nftables' queue statement nor xtables' NFQUEUE for nftables: %v\n", err)
		os.Exit(1)
	}
	fmt.Println("handed")
}

// possible tells whether the kernel takes a queue statement.
func possible() bool {
	conn, err := nftables.New()
	if err != nil {
		return false
	}
	table := conn.AddTable(&nftables.Table{Name: "weir-trial", Family: nftables.TableFamilyIPv4})
	chain := conn.AddChain(&nftables.Chain{Name: "trial", Table: table})
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{&expr.Queue{Num: queue}}})
	conn.DelTable(table)
	return conn.Flush() == nil
}

// hand puts the first packets of connections between pods, and from pods to the node, in the queue. As in the program's
// own rules, the node's programs reach every pod: a kubelet's probes must.
func hand() error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	table := conn.AddTable(&nftables.Table{Name: "weir-handed", Family: nftables.TableFamilyIPv4})
	root := []expr.Any{
		&expr.Meta{Key: expr.MetaKeySKUID, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: make([]byte, 4)},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}
	loopback := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: append([]byte("lo"), make([]byte, 14)...)},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}
	first := []expr.Any{
		&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: word(expr.CtStateBitNEW), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
		// Revision 3: queue, number of queues, flags. Without the flag that lets packets pass where nobody reads.
		&expr.Target{Name: "NFQUEUE", Rev: 3, Info: words(queue, 1, 0)},
	}
	chains := []struct {
		name  string
		hook  *nftables.ChainHook
		rules [][]expr.Any
	}{
		{"between", nftables.ChainHookPostrouting, [][]expr.Any{root, first}},
		{"to-node", nftables.ChainHookInput, [][]expr.Any{loopback, first}},
	}
	for _, it := range chains {
		chain := conn.AddChain(&nftables.Chain{
			Name:     it.name,
			Table:    table,
			Type:     nftables.ChainTypeFilter,
			Hooknum:  it.hook,
			Priority: nftables.ChainPriorityFilter,
		})
		for _, exprs := range it.rules {
			conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
		}
	}
	return conn.Flush()
}

// word is a number as this machine has it in memory.
func word(number uint32) []byte {
	return binary.NativeEndian.AppendUint32(nil, number)
}

// words are 16-bit numbers, likewise.
func words(numbers ...uint16) *xt.Unknown {
	var info xt.Unknown
	for _, number := range numbers {
		info = binary.NativeEndian.AppendUint16(info, number)
	}
	return &info
}
