package main

import (
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// blockade says what a node refuses to hear and to say.
type blockade int32

const (
	open blockade = iota
	// packetsBlocked drops datagrams in both directions; streams work.
	packetsBlocked
	// allBlocked also closes streams as soon as they are accepted, and dials none.
	allBlocked
)

// transmission is what a node handed to the network in one piece: a datagram, or all that one side
// of a stream wrote.
type transmission struct {
	stream bool
	// reply is set for what the accepting side of a stream wrote.
	reply bool
	from  string
	bytes []byte
}

// tap is the library's own transport with a blockade in front of it. It tells an observer of
// everything that is sent, and changes nothing of it.
type tap struct {
	*memberlist.NetTransport
	name    string
	observe func(transmission)
	blocked int32
	packets chan *memberlist.Packet
	streams chan net.Conn
	done    chan struct{}
	closed  chan struct{}
	once    sync.Once
}

// openTap listens on an address; port 0 means any. The observer may be nil.
func openTap(name, bind string, port int, observe func(transmission)) (*tap, error) {
	inner, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
		BindAddrs: []string{bind},
		BindPort:  port,
		Logger:    log.New(io.Discard, "", 0),
	})
	if err != nil {
		return nil, err
	}
	if observe == nil {
		observe = func(transmission) {}
	}
	t := &tap{
		NetTransport: inner,
		name:         name,
		observe:      observe,
		packets:      make(chan *memberlist.Packet),
		streams:      make(chan net.Conn),
		done:         make(chan struct{}),
		closed:       make(chan struct{}),
	}
	go t.passPackets()
	go t.passStreams()
	return t, nil
}

func (t *tap) block(what blockade) { atomic.StoreInt32(&t.blocked, int32(what)) }

func (t *tap) blocks(what blockade) bool { return atomic.LoadInt32(&t.blocked) >= int32(what) }

func (t *tap) PacketCh() <-chan *memberlist.Packet { return t.packets }

func (t *tap) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown lets go of what the listeners hold, or they could not end.
func (t *tap) Shutdown() error {
	var err error
	t.once.Do(func() {
		close(t.done)
		err = t.NetTransport.Shutdown()
		close(t.closed)
	})
	return err
}

func (t *tap) passPackets() {
	for {
		select {
		case packet := <-t.NetTransport.PacketCh():
			if t.blocks(packetsBlocked) {
				continue
			}
			select {
			case t.packets <- packet:
			case <-t.done:
			}
		case <-t.closed:
			return
		}
	}
}

func (t *tap) passStreams() {
	for {
		select {
		case conn := <-t.NetTransport.StreamCh():
			if t.blocks(allBlocked) {
				conn.Close()
				continue
			}
			select {
			case t.streams <- &tappedConn{Conn: conn, tap: t, reply: true}:
			case <-t.done:
				conn.Close()
			}
		case <-t.closed:
			return
		}
	}
}

func (t *tap) WriteTo(bytes []byte, address string) (time.Time, error) {
	return t.WriteToAddress(bytes, memberlist.Address{Addr: address})
}

func (t *tap) WriteToAddress(bytes []byte, to memberlist.Address) (time.Time, error) {
	if t.blocks(packetsBlocked) {
		return time.Now(), nil
	}
	t.observe(transmission{from: t.name, bytes: append([]byte(nil), bytes...)})
	return t.NetTransport.WriteToAddress(bytes, to)
}

func (t *tap) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: address}, timeout)
}

func (t *tap) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	if t.blocks(allBlocked) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: net.ErrClosed}
	}
	conn, err := t.NetTransport.DialAddressTimeout(to, timeout)
	if err != nil {
		return nil, err
	}
	return &tappedConn{Conn: conn, tap: t}, nil
}

// tappedConn keeps what is written until it is closed, then tells of it.
type tappedConn struct {
	net.Conn
	tap     *tap
	reply   bool
	mutex   sync.Mutex
	written []byte
	once    sync.Once
}

func (c *tappedConn) Write(bytes []byte) (int, error) {
	n, err := c.Conn.Write(bytes)
	c.mutex.Lock()
	c.written = append(c.written, bytes[:n]...)
	c.mutex.Unlock()
	return n, err
}

func (c *tappedConn) Close() error {
	c.once.Do(func() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if len(c.written) > 0 {
			c.tap.observe(transmission{
				stream: true, reply: c.reply, from: c.tap.name, bytes: c.written,
			})
		}
	})
	return c.Conn.Close()
}
