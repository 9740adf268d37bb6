package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// options describe a node. Byte strings are base64, as encoding/json has them.
type options struct {
	Name string `json:"name"`
	Bind string `json:"bind"`
	// Port 0 lets the system choose.
	Port int `json:"port"`
	// Keys seal when there are any; the first is primary.
	Keys     [][]byte `json:"keys"`
	Compress bool     `json:"compress"`
	// Protocol is memberlist's version: 2 unless given; 1 seals with padding.
	Protocol uint8  `json:"protocol"`
	Meta     []byte `json:"meta"`
	// State goes into this node's side of a push/pull.
	State  []byte `json:"state"`
	Timing timing `json:"timing"`
}

// timing replaces the library's LAN defaults where it is not 0.
type timing struct {
	ProbeIntervalMs     int `json:"probeIntervalMs"`
	ProbeTimeoutMs      int `json:"probeTimeoutMs"`
	SuspicionMult       int `json:"suspicionMult"`
	SuspicionTimeoutMax int `json:"suspicionTimeoutMultMax"`
	GossipIntervalMs    int `json:"gossipIntervalMs"`
	GossipToTheDeadMs   int `json:"gossipToTheDeadMs"`
	PushPullIntervalMs  int `json:"pushPullIntervalMs"`
	StreamTimeoutMs     int `json:"streamTimeoutMs"`
}

func (t timing) apply(config *memberlist.Config) {
	duration := func(to *time.Duration, ms int) {
		if ms != 0 {
			*to = time.Duration(ms) * time.Millisecond
		}
	}
	duration(&config.ProbeInterval, t.ProbeIntervalMs)
	duration(&config.ProbeTimeout, t.ProbeTimeoutMs)
	duration(&config.GossipInterval, t.GossipIntervalMs)
	duration(&config.GossipToTheDeadTime, t.GossipToTheDeadMs)
	duration(&config.PushPullInterval, t.PushPullIntervalMs)
	duration(&config.TCPTimeout, t.StreamTimeoutMs)
	if t.SuspicionMult != 0 {
		config.SuspicionMult = t.SuspicionMult
	}
	if t.SuspicionTimeoutMax != 0 {
		config.SuspicionMaxTimeoutMult = t.SuspicionTimeoutMax
	}
}

// node is a member with its transport, and the delegate of both.
type node struct {
	*memberlist.Memberlist
	tap    *tap
	ring   *memberlist.Keyring
	queue  *memberlist.TransmitLimitedQueue
	notify func(event)
	mutex  sync.Mutex
	meta   []byte
	state  []byte
}

// openNode starts a node. What happens is told to notify, from any goroutine; the observer of what
// is sent may be nil.
func openNode(o options, notify func(event), observe func(transmission)) (*node, error) {
	transport, err := openTap(o.Name, o.Bind, o.Port, observe)
	if err != nil {
		return nil, err
	}
	n := &node{tap: transport, notify: notify, meta: o.Meta, state: o.State}
	config := memberlist.DefaultLANConfig()
	config.Name = o.Name
	config.Transport = transport
	config.BindAddr = o.Bind
	config.BindPort = transport.GetAutoBindPort()
	config.AdvertisePort = config.BindPort
	config.EnableCompression = o.Compress
	if o.Protocol != 0 {
		config.ProtocolVersion = o.Protocol
	}
	config.Delegate = n
	config.Events = n
	config.Logger = log.New(complaints(notify), "", 0)
	o.Timing.apply(config)
	if len(o.Keys) > 0 {
		if n.ring, err = memberlist.NewKeyring(o.Keys, o.Keys[0]); err != nil {
			return nil, err
		}
		config.Keyring = n.ring
	}
	n.queue = &memberlist.TransmitLimitedQueue{RetransmitMult: config.RetransmitMult}
	n.queue.NumNodes = func() int { return n.NumMembers() }
	n.Memberlist, err = memberlist.Create(config)
	return n, err
}

func (n *node) address() string {
	return net.JoinHostPort(n.LocalNode().Addr.String(), strconv.Itoa(int(n.LocalNode().Port)))
}

// find returns a live member by name, or nil.
func (n *node) find(name string) *memberlist.Node {
	for _, member := range n.Members() {
		if member.Name == name {
			return member
		}
	}
	return nil
}

// NodeMeta and the next four are the library's Delegate.
func (n *node) NodeMeta(limit int) []byte {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.meta
}

func (n *node) NotifyMsg(message []byte) {
	n.notify(event{Event: "user", Bytes: append([]byte(nil), message...)})
}

func (n *node) GetBroadcasts(overhead, limit int) [][]byte {
	return n.queue.GetBroadcasts(overhead, limit)
}

func (n *node) LocalState(join bool) []byte { return n.state }

func (n *node) MergeRemoteState(state []byte, join bool) {
	n.notify(event{Event: "state", Bytes: state, Join: join})
}

// NotifyJoin and the next two are the library's EventDelegate.
func (n *node) NotifyJoin(member *memberlist.Node) { n.notifyOf("join", member) }

func (n *node) NotifyUpdate(member *memberlist.Node) { n.notifyOf("update", member) }

func (n *node) NotifyLeave(member *memberlist.Node) { n.notifyOf("leave", member) }

func (n *node) notifyOf(what string, m *memberlist.Node) {
	n.notify(event{Event: what, Name: m.Name, Address: m.Address(), Bytes: m.Meta})
}

// setMeta tells everyone; it returns when somebody was told.
func (n *node) setMeta(meta []byte) error {
	n.mutex.Lock()
	n.meta = meta
	n.mutex.Unlock()
	return n.UpdateNode(10 * time.Second)
}

func (n *node) send(to string, message []byte, how string) error {
	member := n.find(to)
	if member == nil {
		return fmt.Errorf("no such member: %s", to)
	}
	if how == "stream" {
		return n.SendReliable(member, message)
	}
	return n.SendBestEffort(member, message)
}

// complaints tells of what the library logs as a warning or an error: what it refused, above all.
type complaints func(event)

func (c complaints) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("[ERR]")) || bytes.Contains(line, []byte("[WARN]")) {
		c(event{Event: "complaint", Error: string(bytes.TrimSpace(line))})
	}
	return len(line), nil
}

// gossiped is a user message that travels with the gossip to everyone.
type gossiped []byte

func (g gossiped) Invalidates(memberlist.Broadcast) bool { return false }
func (g gossiped) Message() []byte                       { return g }
func (g gossiped) Finished()                             {}

// command is a line of stdin. Its answer is an event "done" with the same id.
type command struct {
	ID      int    `json:"id"`
	Do      string `json:"do"`
	Address string `json:"address"`
	To      string `json:"to"`
	How     string `json:"how"`
	Bytes   []byte `json:"bytes"`
}

// event is a line of stdout.
type event struct {
	Event   string       `json:"event"`
	ID      int          `json:"id,omitempty"`
	Error   string       `json:"error,omitempty"`
	Name    string       `json:"name,omitempty"`
	Address string       `json:"address,omitempty"`
	Bytes   []byte       `json:"bytes,omitempty"`
	Join    bool         `json:"join,omitempty"`
	Members []memberView `json:"members,omitempty"`
}

type memberView struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Meta    []byte `json:"meta"`
}

// runNode serves commands until stdin ends. Each command has a goroutine of its own: some wait.
func runNode(text []byte, commands io.Reader, events io.Writer) error {
	var o options
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	var mutex sync.Mutex
	encoder := json.NewEncoder(events)
	notify := func(e event) {
		mutex.Lock()
		defer mutex.Unlock()
		// Who reads has gone: then stdin ends too.
		_ = encoder.Encode(e)
	}
	n, err := openNode(o, notify, nil)
	if err != nil {
		return err
	}
	notify(event{Event: "ready", Name: o.Name, Address: n.address()})
	lines := bufio.NewScanner(commands)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		go func() {
			answer := event{Event: "done", ID: c.ID}
			if err := n.perform(c, &answer); err != nil {
				answer.Error = err.Error()
			}
			notify(answer)
		}()
	}
	return lines.Err()
}

func (n *node) perform(c command, answer *event) error {
	switch c.Do {
	case "join":
		_, err := n.Join([]string{c.Address})
		return err
	case "leave":
		return n.Leave(10 * time.Second)
	case "shutdown":
		return n.Shutdown()
	case "meta":
		return n.setMeta(c.Bytes)
	case "send":
		if c.How == "gossip" {
			n.queue.QueueBroadcast(gossiped(c.Bytes))
			return nil
		}
		return n.send(c.To, c.Bytes, c.How)
	case "install-key":
		return n.ring.AddKey(c.Bytes)
	case "use-key":
		return n.ring.UseKey(c.Bytes)
	case "remove-key":
		return n.ring.RemoveKey(c.Bytes)
	case "block":
		n.tap.block(map[string]blockade{"packets": packetsBlocked, "all": allBlocked}[c.How])
		return nil
	case "members":
		for _, m := range n.Members() {
			answer.Members = append(answer.Members, memberView{m.Name, m.Address(), m.Meta})
		}
		return nil
	}
	return fmt.Errorf("unknown command: %s", c.Do)
}
