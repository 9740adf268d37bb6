package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"
)

// world is how the nodes of one recording are set up.
type world struct {
	name     string
	keys     [][]byte
	compress bool
	protocol uint8
	// bind is where node i listens. Version 1 knows no ports but its own: then all share one.
	bind func(i int) string
	port int
}

// vector is one line of the recording.
type vector struct {
	Name      string `json:"name"`
	World     string `json:"world"`
	Transport string `json:"transport"`
	From      string `json:"from"`
	// Key seals it; null when it is in the clear.
	Key   octets `json:"key"`
	Bytes octets `json:"bytes"`
	dissection
}

const (
	sharedPort   = 17946
	patience     = 20 * time.Second
	pollInterval = 10 * time.Millisecond
)

func worlds() []world {
	key := func(size int) [][]byte {
		bytes := make([]byte, size)
		for i := range bytes {
			bytes[i] = byte(size + i)
		}
		return [][]byte{bytes}
	}
	loopback := func(i int) string { return fmt.Sprintf("127.0.77.%d", i+1) }
	return []world{
		{name: "plain", bind: loopback},
		{name: "compressed", compress: true, bind: loopback},
		{name: "aes-128", keys: key(16), bind: loopback},
		{name: "aes-192", keys: key(24), bind: loopback},
		{name: "aes-256-compressed", keys: key(32), compress: true, bind: loopback},
		{name: "version-1-padded", keys: key(16), protocol: 1, bind: loopback, port: sharedPort},
		{name: "ipv6", bind: func(int) string { return "::1" }},
	}
}

// recorder keeps the first transmission of each shape: one vector each is enough.
type recorder struct {
	world  world
	mutex  sync.Mutex
	shapes map[string]bool
	kinds  map[string]bool
	// incarnations are the latest that were sent of a node, by themselves.
	incarnations map[string]uint32
	vectors      []vector
	failed       error
}

func (r *recorder) observe(t transmission) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	v := vector{World: r.world.name, From: t.from, Bytes: t.bytes, Transport: "packet"}
	if len(r.world.keys) > 0 {
		v.Key = r.world.keys[0]
	}
	var err error
	if t.stream {
		v.Transport = "stream"
		v.dissection, err = dissectStream(t.bytes, v.Key)
	} else {
		v.dissection, err = dissectPacket(t.bytes, v.Key)
	}
	if err != nil {
		r.failed = fmt.Errorf("%s %s: %x: %w", r.world.name, v.Transport, t.bytes, err)
		return
	}
	v.Name = nameOf(v, t.reply)
	for _, m := range v.Messages {
		r.kinds[v.Transport+" "+m.Kind] = true
	}
	if a, is := v.Messages[0].Value.(*alive); is && len(v.Messages) == 1 {
		r.incarnations[a.Node] = a.Incarnation
	}
	if !r.shapes[v.Name] {
		r.shapes[v.Name] = true
		r.vectors = append(r.vectors, v)
	}
}

// nameOf tells the shape: transport, wrappers, and the message. Of compounds one of each first
// message is enough; numbers and texts have several forms, which their lengths tell apart.
func nameOf(v vector, reply bool) string {
	words := append([]string{v.World, v.Transport}, v.Layers...)
	first := v.Messages[0]
	words = append(words, first.Kind)
	switch value := first.Value.(type) {
	case *pushPull:
		if value.Join {
			words = append(words, "join")
		}
	case *ackResp, *alive, user:
		if len(v.Messages) == 1 && v.Key == nil {
			words = append(words, fmt.Sprintf("of %d bytes", len(first.Bytes)))
		}
	}
	if reply && v.Transport == "stream" {
		words = append(words, "reply")
	}
	return strings.Join(words, " ")
}

func (r *recorder) has(kinds ...string) func() bool {
	return func() bool {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		for _, kind := range kinds {
			if !r.kinds[kind] {
				return false
			}
		}
		return true
	}
}

func waitFor(what string, holds func() bool) error {
	for end := time.Now().Add(patience); !holds(); time.Sleep(pollInterval) {
		if time.Now().After(end) {
			return fmt.Errorf("it never came to this: %s", what)
		}
	}
	return nil
}

// record writes the vectors of all worlds: a line each, so that a change is a changed line.
func record(to io.Writer) error {
	var lines []string
	for _, w := range worlds() {
		r := &recorder{
			world:        w,
			shapes:       map[string]bool{},
			kinds:        map[string]bool{},
			incarnations: map[string]uint32{},
		}
		if err := r.run(); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		for _, v := range r.vectors {
			line, err := json.Marshal(v)
			if err != nil {
				return err
			}
			lines = append(lines, "    "+string(line))
		}
	}
	_, err := fmt.Fprintf(to, "{\n  \"library\": %q,\n  \"go\": %q,\n  \"vectors\": [\n%s\n  ]\n}\n",
		"hashicorp/memberlist 0.2.2", runtime.Version(), strings.Join(lines, ",\n"))
	return err
}

// run makes three nodes do everything that has a message of its own.
func (r *recorder) run() error {
	var nodes []*node
	defer func() {
		for _, n := range nodes {
			n.Shutdown()
		}
	}()
	for i := 0; i < 3; i++ {
		n, err := openNode(r.options(i), func(event) {}, r.observe)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	if err := r.act(nodes[0], nodes[1], nodes[2]); err != nil {
		return err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.failed
}

func (r *recorder) options(i int) options {
	name := fmt.Sprintf("go-%c", 'a'+i)
	if i == 2 {
		// The library looks recipients of pings and acks up by this, to see if they know checksums.
		name = r.world.bind(i)
	}
	return options{
		Name:     name,
		Bind:     r.world.bind(i),
		Port:     r.world.port,
		Keys:     r.world.keys,
		Compress: r.world.compress,
		Protocol: r.world.protocol,
		Meta:     []byte(strings.Repeat("meta of "+name+" ", i)),
		State:    []byte("state of " + name),
		Timing: timing{
			ProbeIntervalMs:    200,
			ProbeTimeoutMs:     50,
			GossipIntervalMs:   50,
			GossipToTheDeadMs:  2000,
			PushPullIntervalMs: 500,
			StreamTimeoutMs:    2000,
		},
	}
}

func (r *recorder) act(a, b, c *node) error {
	for _, n := range []*node{b, c} {
		if _, err := n.Join([]string{a.address()}); err != nil {
			return err
		}
	}
	everyone := func() bool {
		return a.NumMembers() == 3 && b.NumMembers() == 3 && c.NumMembers() == 3
	}
	for _, step := range []func() error{
		func() error { return waitFor("all know all", everyone) },
		func() error { return b.setMeta([]byte("another meta of go-b")) },
		func() error { return r.talk(a, b) },
		func() error { return waitFor("a probe", r.has("packet ping", "packet ackResp", "packet alive")) },
		func() error { return r.count(a) },
		func() error { return r.fail(a, c) },
		func() error { return waitFor("all know all again", everyone) },
		func() error { return b.Leave(patience) },
		func() error { return waitFor("it is told", func() bool { return a.NumMembers() == 2 }) },
		func() error { return r.provoke(a) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// talk sends what an application sends: short, compressible, and with every width of LZW's codes.
func (r *recorder) talk(a, b *node) error {
	a.queue.QueueBroadcast(gossiped("told to everyone"))
	to := b.LocalNode().Name
	for _, text := range [][]byte{[]byte("short"), bytes.Repeat([]byte("long and repeated "), 40)} {
		for _, how := range []string{"packet", "stream"} {
			if err := a.send(to, text, how); err != nil {
				return err
			}
		}
	}
	if len(r.world.keys) > 0 || !r.world.compress {
		return nil
	}
	noise := make([]byte, 5000)
	for i, state := 0, uint32(1); i < len(noise); i++ {
		state = state*1664525 + 1013904223
		noise[i] = byte(state >> 24)
	}
	return a.send(to, noise, "stream")
}

// count has a answer and refute with numbers of every width.
func (r *recorder) count(a *node) error {
	if len(r.world.keys) > 0 {
		return nil
	}
	conn, err := net.Dial("udp", a.address())
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, number := range []uint32{0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff} {
		if err := ask(conn, number); err != nil {
			return err
		}
	}
	name := a.LocalNode().Name
	for _, number := range []uint32{0x7e, 0x7f, 0xff, 0xffff} {
		if err := tell(conn, 3, accused{Incarnation: number, Node: name, From: "go-b"}); err != nil {
			return err
		}
		if err := waitFor("it refutes", func() bool { return r.refuted(name) > number }); err != nil {
			return err
		}
	}
	return nil
}

func (r *recorder) refuted(name string) uint32 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.incarnations[name]
}

func tell(conn net.Conn, kind byte, value interface{}) error {
	packet, err := pack(kind, value)
	if err == nil {
		_, err = conn.Write(packet)
	}
	return err
}

func ask(conn net.Conn, number uint32) error {
	if err := tell(conn, 0, ping{SeqNo: number}); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	_, err := conn.Read(make([]byte, 1500))
	return err
}

// fail has c fall silent for datagrams, then altogether, then return and refute.
func (r *recorder) fail(a, c *node) error {
	c.tap.block(packetsBlocked)
	asked := r.has("packet indirectPing", "packet nackResp", "stream ping", "stream ackResp")
	if err := waitFor("others are asked", asked); err != nil {
		return err
	}
	c.tap.block(allBlocked)
	died := r.has("packet suspect", "packet dead")
	if err := waitFor("it is declared dead", died); err != nil {
		return err
	}
	c.tap.block(open)
	_, err := c.Join([]string{a.address()})
	return err
}

// provoke makes a node say on a stream why it will not read it.
func (r *recorder) provoke(a *node) error {
	conn, err := net.Dial("tcp", a.address())
	if err != nil {
		return err
	}
	defer conn.Close()
	// In the clear where keys are in use, or sealed where none are.
	refused := []byte{encryptType, 0, 0, 0, 0}
	if len(r.world.keys) > 0 {
		refused = []byte{userType}
	}
	if _, err := conn.Write(refused); err != nil {
		return err
	}
	return waitFor("the refusal", r.has("stream err"))
}
