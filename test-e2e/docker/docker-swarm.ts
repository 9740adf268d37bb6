/** A swarm of stock engines with an attachable overlay, and a third host for weftd. */
import { BUSYBOX_IMAGE, DockerLab, eventually, WeftHost, type EngineHost } from '@weft/lab'
import { parseIp, type Ip } from '@weft/core'

/** How often the manager replaces its keys. */
export const KEY_ROTATION_MS = 4_000

/** Docker's own overlay network, which containers and our endpoints share. */
export const NETWORK = 'blue'

const JOINED_WITHIN_MS = 30_000

/** A container on an engine. */
export interface EngineContainer {
  readonly engine: EngineHost
  readonly name: string
  readonly ip: Ip
  readonly mac: string
}

interface SwarmHosts {
  readonly manager: EngineHost
  readonly worker: EngineHost
  readonly weft: WeftHost
}

/** A manager, a worker, each with a container on the network, and a host with only weftd. */
export class DockerSwarm implements SwarmHosts, AsyncDisposable {
  readonly lab: DockerLab
  readonly manager: EngineHost
  readonly worker: EngineHost
  readonly weft: WeftHost

  private constructor(lab: DockerLab, { manager, weft, worker }: SwarmHosts) {
    this.lab = lab
    this.manager = manager
    this.worker = worker
    this.weft = weft
  }

  /** Start it all, the weft host's daemon excepted. */
  static async open(): Promise<DockerSwarm> {
    const lab = await DockerLab.open()
    try {
      const manager = await lab.addEngine('manager', { keyRotationMs: KEY_ROTATION_MS })
      const worker = await lab.addEngine('worker')
      const weft = new WeftHost(lab.addHost('weft-1'))
      await manager.docker(['swarm', 'init', '--advertise-addr', manager.ip])
      const token = await manager.docker(['swarm', 'join-token', '--quiet', 'worker'])
      await worker.docker(['swarm', 'join', '--token', token, manager.ip])
      await manager.docker(['network', 'create', '-d', 'overlay', '--attachable', NETWORK])
      return new DockerSwarm(lab, { manager, worker, weft })
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  /** What a new node needs. */
  token(): Promise<string> {
    return this.manager.docker(['swarm', 'join-token', '--quiet', 'worker'])
  }

  /** Start a container that sleeps. */
  async container(engine: EngineHost, name: string): Promise<EngineContainer> {
    const words = ['run', '--detach', '--init', '--network', NETWORK, '--name', name]
    await engine.docker([...words, BUSYBOX_IMAGE, 'sleep', '100000'])
    const settings = `index .NetworkSettings.Networks "${NETWORK}"`
    const format = `{{with ${settings}}}{{.IPAddress}} {{.MacAddress}}{{end}}`
    const [ip = '', mac = ''] = (await engine.docker(['inspect', '-f', format, name])).split(' ')
    return { engine, name, ip: parseIp(ip), mac }
  }

  /** A row of `docker node ls` on the manager; null when there is none. */
  async node(hostname: string): Promise<{ readonly ID: string; readonly Status: string } | null> {
    const lines = await this.manager.docker(['node', 'ls', '--format', '{{json .}}'])
    const nodes = lines.split('\n').map((line) => JSON.parse(line) as NodeRow)
    return nodes.find(({ Hostname }) => Hostname === hostname) ?? null
  }

  /** Wait until the manager shows a node so. */
  async shows(hostname: string, status: string): Promise<void> {
    const check = async (): Promise<void> => {
      const found = (await this.node(hostname))?.Status ?? 'absent'
      if (found !== status) throw new Error(`${hostname} is ${found}`)
    }
    await eventually(check, { withinMs: JOINED_WITHIN_MS, what: `${hostname} is ${status}` })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.close()
  }
}

interface NodeRow {
  readonly ID: string
  readonly Hostname: string
  readonly Status: string
}
