/** Packet formats: check, read, write and describe. */
export {
  arpFrame,
  arpReplyFrame,
  arpRequestFrame,
  BROADCAST_MAC,
  gratuitousArpFrame,
  ZERO_MAC,
  type Neighbour,
} from './arp-frame.ts'
export { arp, ARP_OFFSET, ARP_OPERATION, type ArpMessage } from './arp.ts'
export {
  checksumHolds,
  finishChecksum,
  foldSum,
  internetChecksum,
  sumBytes,
  updateChecksum,
} from './checksum.ts'
export { CODECS } from './codecs.ts'
export { describeFrame, describeLayer } from './describe-frame.ts'
export { dissect, layerOf, LAYERS_MAX, type DissectOptions } from './dissect.ts'
export { echoFrame, type Echo } from './echo-frame.ts'
export {
  encapsulateVxlan,
  VXLAN_OVERHEAD_IPV4_BYTES,
  VXLAN_OVERHEAD_IPV6_BYTES,
  type VxlanEncapsulation,
} from './encapsulation.ts'
export {
  ESP_IN_UDP_PORT,
  ESP_KEEPALIVE_BYTES,
  espInUdp,
  NON_ESP_MARKER_BYTES,
  writeEspKeepalive,
  writeNonEspMarker,
  type EspInUdp,
} from './esp-in-udp.ts'
export { esp, type EspHeader } from './esp.ts'
export {
  ETHER_TYPE,
  ethernet,
  ETHERNET_OFFSET,
  ETHERNET_TAGS_MAX,
  type EthernetHeader,
  type VlanTag,
} from './ethernet.ts'
export {
  entropyPort,
  entropyPortOf,
  ENTROPY_PORT_COUNT,
  ENTROPY_PORT_MIN,
  flowHash,
} from './flow-hash.ts'
export { WIRE_FAULTS, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'
export { OPTION_END, OPTION_NO_OPERATION, type HeaderOption } from './header-options.ts'
export { icmp, ICMP_TYPE, ICMP_UNREACHABLE, type IcmpMessage } from './icmp.ts'
export { icmpv6, ICMPV6_TYPE, type Icmpv6Content, type Icmpv6Message } from './icmpv6.ts'
export { sealIpFrame, TTL_DEFAULT, type Envelope } from './ip-frame.ts'
export { IP_PROTOCOL, nameOfProtocol } from './ip-protocol.ts'
export { ipv4, IPV4_HEADER_BYTES_MAX, IPV4_OFFSET, type Ipv4Header } from './ipv4.ts'
export { IPV6_EXTENSION, IPV6_EXTENSIONS_MAX, type Ipv6Extension } from './ipv6-extensions.ts'
export { ipv6, IPV6_OFFSET, type Ipv6Header } from './ipv6.ts'
export type {
  FaultLayer,
  Format,
  HeaderLayer,
  Layer,
  LayerHeaders,
  PayloadLayer,
  QuoteLayer,
  Span,
} from './layer.ts'
export {
  ALL_NODES,
  multicastMac,
  NEIGHBOUR_HOP_LIMIT,
  neighbourAdvertisementFrame,
  neighbourSolicitationFrame,
  solicitedNode,
  unsolicitedAdvertisementFrame,
} from './neighbour-frame.ts'
export {
  NEIGHBOUR_TYPE,
  ROUTER_FLAG,
  type NeighbourKind,
  type NeighbourMessage,
} from './neighbour-message.ts'
export {
  NEIGHBOUR_OPTION,
  NEIGHBOUR_OPTIONS_MAX,
  PREFIX_FLAG,
  type NeighbourOption,
} from './neighbour-option.ts'
export { PACKET_HEADROOM_BYTES, PacketBuffer } from './packet-buffer.ts'
export {
  LINK_TYPE_ETHERNET,
  PCAPNG_BLOCK,
  PCAPNG_BYTE_ORDER,
  PCAPNG_OPTION,
  type PacketDirection,
  type PcapngInterface,
  type PcapngPacket,
  type PcapngSection,
} from './pcapng.ts'
export { readPcapng, type PcapngReading } from './read-pcapng.ts'
export {
  tcp,
  TCP_CHECKSUM_OFFSET,
  TCP_FLAG,
  TCP_HEADER_BYTES_MAX,
  TCP_OPTION,
  type TcpHeader,
  type TcpOption,
} from './tcp.ts'
export {
  transportChecksumState,
  writeTransportChecksum,
  type ChecksumState,
} from './transport-checksum.ts'
export { udpFrame, type Datagram } from './udp-frame.ts'
export { udp, UDP_CHECKSUM_OFFSET, type UdpHeader } from './udp.ts'
export {
  groupPolicyOf,
  vxlan,
  VXLAN_FLAG,
  VXLAN_PORT,
  vxlanHeader,
  withGroupPolicy,
  type GroupPolicy,
  type VxlanHeader,
} from './vxlan.ts'
export {
  PCAPNG_OPTION_BYTES_MAX,
  pcapngInterfaceBlock,
  pcapngPacketBlock,
  pcapngSectionBlock,
  writePcapng,
} from './write-pcapng.ts'
