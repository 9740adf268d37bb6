/** Small talk for recordings: sends one datagram, serves or asks over TCP. */
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

const USAGE = `usage: exchange.ts udp-send HOST PORT TEXT
       exchange.ts tcp-serve PORT
       exchange.ts tcp-ask HOST PORT`

function sendDatagram(host: string, port: number, text: string): void {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.send(text, port, host, (error) => {
    socket.close()
    if (error !== null) throw error
  })
}

/** Answers every connection with what it sent; runs until it is killed. */
function serve(port: number): void {
  const server = createServer((socket) => socket.pipe(socket))
  server.listen(port, '::', () => process.stdout.write('listening\n'))
}

function ask(host: string, port: number): void {
  const socket = connect({ host, port }, () => socket.end('a question'))
  socket.on('error', () => process.exit(1))
  socket.resume()
}

const [verb, ...rest] = process.argv.slice(2)
const [first = '', second = '', third = ''] = rest
if (verb === 'udp-send') sendDatagram(first, Number(second), third)
else if (verb === 'tcp-serve') serve(Number(first))
else if (verb === 'tcp-ask') ask(first, Number(second))
else {
  process.stderr.write(`${USAGE}\n`)
  process.exit(2)
}
