package main

import (
	"bytes"
	"compress/lzw"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hashicorp/go-msgpack/codec"
)

// octets are bytes that print as hex; nil, which msgpack tells from empty, as null.
type octets []byte

func (o octets) MarshalJSON() ([]byte, error) {
	if o == nil {
		return []byte("null"), nil
	}
	return json.Marshal(hex.EncodeToString(o))
}

// The messages have the library's field names: they are what is on the wire.
type (
	ping struct {
		SeqNo      uint32
		Node       string
		SourceAddr octets `codec:",omitempty"`
		SourcePort uint16 `codec:",omitempty"`
		SourceNode string `codec:",omitempty"`
	}
	indirectPing struct {
		SeqNo      uint32
		Target     octets
		Port       uint16
		Node       string
		Nack       bool
		SourceAddr octets `codec:",omitempty"`
		SourcePort uint16 `codec:",omitempty"`
		SourceNode string `codec:",omitempty"`
	}
	ackResp struct {
		SeqNo   uint32
		Payload octets
	}
	nackResp struct{ SeqNo uint32 }
	accused  struct {
		Incarnation uint32
		Node        string
		From        string
	}
	alive struct {
		Incarnation uint32
		Node        string
		Addr        octets
		Port        uint16
		Meta        octets
		Vsn         octets
	}
	errResp        struct{ Error string }
	pushPullHeader struct {
		Nodes        int
		UserStateLen int
		Join         bool
	}
	nodeState struct {
		Name        string
		Addr        octets
		Port        uint16
		Meta        octets
		Incarnation uint32
		State       int
		Vsn         octets
	}
	pushPull struct {
		Join      bool
		Nodes     []nodeState
		UserState octets
	}
	user     struct{ Bytes octets }
	compress struct {
		Algo uint8
		Buf  octets
	}
)

const (
	compoundType = 7
	userType     = 8
	compressType = 9
	encryptType  = 10
	crcType      = 12
)

// message is one message as it stands on the wire, type byte included, and what it says.
type message struct {
	Kind  string      `json:"kind"`
	Bytes octets      `json:"bytes"`
	Value interface{} `json:"value"`
}

// dissection is a transmission taken apart: by Go's own AES, LZW and CRC, and by the msgpack library
// that memberlist is built on.
type dissection struct {
	// Layers are the wrappers, outermost first.
	Layers []string `json:"layers"`
	// Plain is what was sealed; absent when nothing was.
	Plain    octets    `json:"plain,omitempty"`
	Messages []message `json:"messages"`
}

var errShort = errors.New("it ends too early")

func dissectPacket(raw, key []byte) (d dissection, err error) {
	d.Layers = []string{}
	rest := raw
	if key != nil {
		if d.Plain, err = d.unseal(raw, nil, key); err != nil {
			return d, err
		}
		rest = d.Plain
	}
	if len(rest) >= 5 && rest[0] == crcType {
		d.Layers = append(d.Layers, "crc")
		if crc32.ChecksumIEEE(rest[5:]) != binary.BigEndian.Uint32(rest[1:5]) {
			return d, errors.New("the checksum is wrong")
		}
		rest = rest[5:]
	}
	return d, d.open(rest)
}

func dissectStream(raw, key []byte) (d dissection, err error) {
	d.Layers = []string{}
	rest := raw
	if key != nil {
		if len(raw) < 5 || raw[0] != encryptType {
			return d, errors.New("it is not sealed")
		}
		if int(binary.BigEndian.Uint32(raw[1:5])) != len(raw)-5 {
			return d, errShort
		}
		if d.Plain, err = d.unseal(raw[5:], raw[:5], key); err != nil {
			return d, err
		}
		rest = d.Plain
	}
	if len(rest) > 0 && rest[0] == compressType {
		if rest, err = d.inflate(rest); err != nil {
			return d, err
		}
	}
	if len(rest) == 0 {
		return d, errShort
	}
	value, kind, err := readStreamMessage(rest)
	if err != nil {
		return d, err
	}
	d.Messages = append(d.Messages, message{kind, rest, value})
	return d, nil
}

func (d *dissection) unseal(raw, header, key []byte) ([]byte, error) {
	if len(raw) < 1+12+16 {
		return nil, errShort
	}
	d.Layers = append(d.Layers, fmt.Sprintf("sealed-v%d", raw[0]))
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, raw[1:13], raw[13:], header)
	if err == nil && raw[0] == 0 {
		plain = plain[:len(plain)-int(plain[len(plain)-1])]
	}
	return plain, err
}

func (d *dissection) inflate(raw []byte) ([]byte, error) {
	d.Layers = append(d.Layers, "compressed")
	var c compress
	if err := unpack(bytes.NewReader(raw[1:]), &c); err != nil {
		return nil, err
	}
	return io.ReadAll(lzw.NewReader(bytes.NewReader(c.Buf), lzw.LSB, 8))
}

func (d *dissection) open(raw []byte) error {
	if len(raw) == 0 {
		return errShort
	}
	switch raw[0] {
	case compressType:
		inner, err := d.inflate(raw)
		if err != nil {
			return err
		}
		return d.open(inner)
	case compoundType:
		return d.openCompound(raw)
	}
	value, kind, err := readPacketMessage(raw)
	if err == nil {
		d.Messages = append(d.Messages, message{kind, raw, value})
	}
	return err
}

func (d *dissection) openCompound(raw []byte) error {
	d.Layers = append(d.Layers, "compound")
	if len(raw) < 2 || len(raw) < 2+2*int(raw[1]) {
		return errShort
	}
	count := int(raw[1])
	lengths, rest := raw[2:2+2*count], raw[2+2*count:]
	for i := 0; i < count; i++ {
		length := int(binary.BigEndian.Uint16(lengths[2*i:]))
		if len(rest) < length {
			return errShort
		}
		if err := d.open(rest[:length]); err != nil {
			return err
		}
		rest = rest[length:]
	}
	return nil
}

func unpack(from io.Reader, to interface{}) error {
	return codec.NewDecoder(from, &codec.MsgpackHandle{}).Decode(to)
}

func pack(kind byte, value interface{}) ([]byte, error) {
	buffer := bytes.NewBuffer([]byte{kind})
	err := codec.NewEncoder(buffer, &codec.MsgpackHandle{}).Encode(value)
	return buffer.Bytes(), err
}

func readPacketMessage(raw []byte) (value interface{}, kind string, err error) {
	switch raw[0] {
	case 0:
		value, kind = &ping{}, "ping"
	case 1:
		value, kind = &indirectPing{}, "indirectPing"
	case 2:
		value, kind = &ackResp{}, "ackResp"
	case 3:
		value, kind = &accused{}, "suspect"
	case 4:
		value, kind = &alive{}, "alive"
	case 5:
		value, kind = &accused{}, "dead"
	case userType:
		return user{raw[1:]}, "user", nil
	case 11:
		value, kind = &nackResp{}, "nackResp"
	default:
		return nil, "", fmt.Errorf("type %d in a packet", raw[0])
	}
	return value, kind, unpack(bytes.NewReader(raw[1:]), value)
}

func readStreamMessage(raw []byte) (value interface{}, kind string, err error) {
	rest := bytes.NewReader(raw[1:])
	switch raw[0] {
	case 0:
		value, kind = &ping{}, "ping"
	case 2:
		value, kind = &ackResp{}, "ackResp"
	case 6:
		value, err = readPushPull(rest)
		return value, "pushPull", err
	case userType:
		var header struct{ UserMsgLen int }
		if err := unpack(rest, &header); err != nil {
			return nil, "", err
		}
		body := make([]byte, header.UserMsgLen)
		_, err := io.ReadFull(rest, body)
		return user{body}, "user", err
	case 13:
		value, kind = &errResp{}, "err"
	default:
		return nil, "", fmt.Errorf("type %d on a stream", raw[0])
	}
	return value, kind, unpack(rest, value)
}

func readPushPull(from io.Reader) (*pushPull, error) {
	decoder := codec.NewDecoder(from, &codec.MsgpackHandle{})
	var header pushPullHeader
	if err := decoder.Decode(&header); err != nil {
		return nil, err
	}
	p := &pushPull{Join: header.Join, Nodes: make([]nodeState, header.Nodes)}
	for i := range p.Nodes {
		if err := decoder.Decode(&p.Nodes[i]); err != nil {
			return nil, err
		}
	}
	p.UserState = make([]byte, header.UserStateLen)
	_, err := io.ReadFull(from, p.UserState)
	return p, err
}
