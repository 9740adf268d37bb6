// A gRPC client and a gRPC server in Go, as Docker has them, told by lines of JSON what to do.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// raw passes messages through as they are: what is in them is not this program's business.
type raw struct{}

func (raw) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string   { return "proto" }
func (raw) String() string { return "proto" }

// identity is what a side shows and trusts. An empty certificate means that none is shown.
type identity struct {
	RootPem        string
	CertificatePem string
	KeyPem         string
}

func (i identity) config() *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(i.RootPem))
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ClientCAs: pool}
	if i.CertificatePem == "" {
		return config
	}
	pair, err := tls.X509KeyPair([]byte(i.CertificatePem), []byte(i.KeyPem))
	if err != nil {
		fail(err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config
}

// order is one line of input: first of all who we are, then calls (client) or answers (server).
type order struct {
	Identity   identity
	Address    string
	ServerName string
	Method     string
	Message    []byte
	// Messages to read from a stream before it is cancelled; 0 reads to its end.
	Take int
	// What a server answers with: messages, then a status; Hold keeps the stream open.
	Answers [][]byte
	Code    int
	Text    string
	Hold    bool
}

// report is one line of output.
type report struct {
	Port     int      `json:"port,omitempty"`
	Code     int      `json:"code"`
	Text     string   `json:"text"`
	Messages [][]byte `json:"messages"`
	Peer     string   `json:"peer,omitempty"`
	Method   string   `json:"method,omitempty"`
	Event    string   `json:"event,omitempty"`
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func tell(r report) {
	line, err := json.Marshal(r)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(line))
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	next := func() (o order, ok bool) {
		if !lines.Scan() {
			return o, false
		}
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			fail(err)
		}
		return o, true
	}
	first, _ := next()
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		serve(first, next)
		return
	}
	call(first, next)
}

func call(first order, next func() (order, bool)) {
	config := first.Identity.config()
	config.ServerName = first.ServerName
	conn, err := grpc.Dial(first.Address,
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		fail(err)
	}
	defer conn.Close()
	for {
		o, ok := next()
		if !ok {
			return
		}
		tell(callOnce(conn, o))
	}
}

func callOnce(conn *grpc.ClientConn, o order) (r report) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	desc := &grpc.StreamDesc{ServerStreams: true}
	finish := func(err error) report {
		s, _ := status.FromError(err)
		r.Code, r.Text = int(s.Code()), s.Message()
		return r
	}
	stream, err := conn.NewStream(ctx, desc, o.Method)
	if err != nil {
		return finish(err)
	}
	// What the server refused meanwhile is told by receiving.
	if err := stream.SendMsg(&o.Message); err != nil && err != io.EOF {
		return finish(err)
	}
	if err := stream.CloseSend(); err != nil {
		return finish(err)
	}
	for o.Take == 0 || len(r.Messages) < o.Take {
		var message []byte
		err := stream.RecvMsg(&message)
		if err == io.EOF {
			return finish(nil)
		}
		if err != nil {
			return finish(err)
		}
		r.Messages = append(r.Messages, message)
	}
	return r
}

func serve(first order, next func() (order, bool)) {
	config := first.Identity.config()
	config.ClientAuth = tls.VerifyClientCertIfGiven
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	orders := make(chan order, 64)
	handle := func(_ interface{}, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		tell(report{Method: method, Messages: [][]byte{message}, Peer: peerOf(stream.Context())})
		o := <-orders
		for i := range o.Answers {
			if err := stream.SendMsg(&o.Answers[i]); err != nil {
				return err
			}
		}
		if o.Hold {
			<-stream.Context().Done()
			tell(report{Method: method, Event: "gone"})
		}
		if o.Code != 0 {
			return status.Error(codes.Code(o.Code), o.Text)
		}
		return nil
	}
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(config)),
		grpc.CustomCodec(raw{}),
		grpc.UnknownServiceHandler(handle))
	tell(report{Port: listener.Addr().(*net.TCPAddr).Port})
	go func() {
		for {
			o, ok := next()
			if !ok {
				server.Stop()
				return
			}
			orders <- o
		}
	}()
	_ = server.Serve(listener)
}

func peerOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return "none"
	}
	return info.State.VerifiedChains[0][0].Subject.String() + " as " + info.State.ServerName
}
