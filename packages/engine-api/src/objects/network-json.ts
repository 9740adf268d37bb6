/** A network as Docker's API shows it: GET /networks. Quoted: Docker's word, not ours. */

/** GET /networks/{id}. */
export interface NetworkJson {
  readonly Name: string
  readonly Id: string
  readonly Created: string
  readonly Scope: 'swarm' | 'local'
  readonly 'Driver': string
  readonly EnableIPv6: boolean
  readonly IPAM: IpamJson
  readonly Internal: boolean
  readonly Attachable: boolean
  readonly Ingress: boolean
  readonly ConfigFrom: { readonly Network: string }
  readonly ConfigOnly: boolean
  /** Endpoints of this node by name of their owner; null where the network has not come to. */
  readonly Containers: Readonly<Record<string, NetworkContainerJson>> | null
  readonly Options: Readonly<Record<string, string>> | null
  readonly Labels: Readonly<Record<string, string>> | null
  /** Nodes on the network, when it is on this one. */
  readonly Peers?: readonly { readonly Name: string; readonly IP: string }[]
  /** With `verbose`: endpoints of the whole network that gossip knows, by service. */
  readonly Services?: Readonly<Record<string, NetworkServiceJson>>
}

/** Address management of a network. */
export interface IpamJson {
  readonly 'Driver': string
  readonly Options: Readonly<Record<string, string>> | null
  readonly Config: readonly IpamConfigJson[] | null
}

/** One subnet. */
export interface IpamConfigJson {
  readonly Subnet?: string
  readonly IPRange?: string
  readonly Gateway?: string
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>>
}

/** An endpoint of this node. */
export interface NetworkContainerJson {
  readonly Name: string
  readonly EndpointID: string
  readonly MacAddress: string
  /** In CIDR form, or empty. */
  readonly IPv4Address: string
  readonly IPv6Address: string
}

/** Endpoints of one service; what was attached by itself is under an empty name. */
export interface NetworkServiceJson {
  readonly VIP: string
  readonly Ports: readonly string[]
  readonly LocalLBIndex: number
  readonly Tasks: readonly NetworkTaskJson[]
}

/** One endpoint, wherever it is. */
export interface NetworkTaskJson {
  readonly Name: string
  readonly EndpointID: string
  readonly EndpointIP: string
  /** `Host IP`: the VTEP of its node. */
  readonly Info: Readonly<Record<string, string>> | null
}

/** Body of POST /networks/create. */
export interface NetworkCreateJson {
  readonly Name: string
  readonly CheckDuplicate?: boolean
  /** `overlay`; Docker's clients send it, and its own default is another. */
  readonly 'Driver'?: string
  readonly Scope?: string
  readonly EnableIPv6?: boolean
  readonly IPAM?: Partial<IpamJson> | null
  readonly Internal?: boolean
  readonly Attachable?: boolean
  readonly Ingress?: boolean
  readonly ConfigOnly?: boolean
  readonly ConfigFrom?: { readonly Network: string } | null
  readonly Options?: Readonly<Record<string, string>> | null
  readonly Labels?: Readonly<Record<string, string>> | null
}

/** Answer of POST /networks/create. */
export interface NetworkCreatedJson {
  readonly Id: string
  readonly Warning: string
}
