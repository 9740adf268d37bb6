/** A cluster in which everything happens at once, stops at any write, and comes back. */
import { SeededRandom } from '@weft/core/testing'
import { AssignmentAction, AssignmentsType, NodeState, TaskState } from '@weft/swarm'
import { FragileStore } from './fragile-store.ts'
import { offences } from './invariants.ts'
import { ManagerWorld, networkSpec, type Reader, type TestNode } from './manager-world.ts'
import type { AssignmentsMessage } from '@weft/swarm'

/** What was acknowledged of things by ID. Of what somebody wants to end nothing is promised. */
class Promises {
  readonly present = new Set<string>()
  readonly absent = new Set<string>()
  readonly #doubtful = new Set<string>()

  made(id: string): void {
    if (!this.#doubtful.has(id)) this.present.add(id)
  }

  /** Somebody is about to end it: it may be there or not. */
  ending(id: string): void {
    this.#doubtful.add(id)
    this.present.delete(id)
  }

  ended(id: string): void {
    this.absent.add(id)
  }

  broken(kind: string, ids: ReadonlySet<string>): string[] {
    const lost = [...this.present].filter((id) => !ids.has(id))
    const back = [...this.absent].filter((id) => ids.has(id))
    return [
      ...lost.map((id) => `${kind} ${id} is lost`),
      ...back.map((id) => `${kind} ${id} is back`),
    ]
  }
}

/** One seed's run. */
export class ChaosWorld {
  readonly #random: SeededRandom
  readonly #world: ManagerWorld
  readonly #nodes: TestNode[] = []
  readonly #streams = new Map<TestNode, Reader<AssignmentsMessage>>()
  readonly #promises = { task: new Promises(), network: new Promises(), node: new Promises() }
  /** How often each thing happened: a run in which nothing does proves nothing. */
  readonly counts = new Map<string, number>()
  #names = 0

  private constructor(random: SeededRandom, world: ManagerWorld) {
    this.#random = random
    this.#world = world
  }

  static async open(seed: string): Promise<ChaosWorld> {
    const initial = { defaultAddressPools: ['10.0.0.0/24'], subnetSize: 28 }
    const world = await ManagerWorld.open({ seed, store: new FragileStore(), initial })
    return new ChaosWorld(new SeededRandom(seed), world)
  }

  /** Do `steps` things, many at a time. */
  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.#act()
      if (this.#random.below(4) === 0) await turns(1 + this.#random.below(6))
      if (this.#store.isStopped) await this.#reboot()
    }
    this.#store.fate = () => 'done'
    await turns(30)
    if (this.#store.isStopped) await this.#reboot()
    await this.#returnAll()
  }

  /** What does not hold, in words. */
  offences(): string[] {
    const { control } = this.#world.manager
    const ids = (objects: readonly { readonly id: string }[]): Set<string> =>
      new Set(objects.map(({ id }) => id))
    return [
      ...offences(control),
      ...this.#promises.task.broken('task', ids(control.tasks())),
      ...this.#promises.network.broken('network', ids(control.networks())),
      ...this.#promises.node.broken('node', ids(control.nodes())),
      ...this.#divergences(),
    ]
  }

  get #store(): FragileStore {
    const { store } = this.#world
    if (store instanceof FragileStore) return store
    throw new Error('chaos needs a store that breaks')
  }

  #act(): void {
    const draw = this.#random.below(100)
    if (draw < 10) this.#join()
    else if (draw < 22) this.#createNetwork()
    else if (draw < 27) this.#removeNetwork()
    else if (draw < 60) this.#attach()
    else if (draw < 75) this.#detach()
    else if (draw < 85) this.#report()
    else if (draw < 88) this.#removeNode()
    else if (draw < 91) this.#register()
    else if (draw < 93) this.#count('time', this.#world.clock.advance(this.#random.below(7_000)))
    else if (draw < 95) this.#rotate()
    else if (draw < 97) this.#fill()
    else this.#crash()
  }

  /** Run it; what is refused is refused. */
  #count(what: string, outcome: Promise<unknown>): void {
    const add = (name: string) => (): void => {
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    }
    outcome.then(add(what), add(`${what} refused`))
  }

  #join(): void {
    const join = async (): Promise<void> => {
      const node = await this.#world.join()
      this.#promises.node.made(node.id)
      this.#nodes.push(node)
      await node.register()
      this.#streams.set(node, node.assignments())
    }
    this.#count('join', join())
  }

  #register(): void {
    const node = this.#pick(this.#nodes)
    if (node !== undefined) this.#count('register', this.#return(node))
  }

  async #return(node: TestNode): Promise<void> {
    const { error } = await node.register()
    if (error === null) this.#streams.set(node, node.assignments())
  }

  #createNetwork(): void {
    const explicit = this.#random.below(3) === 0
    const subnet = `10.9.${this.#random.below(4)}.${16 * this.#random.below(4)}/28`
    const configs = explicit ? [{ subnet }] : []
    const name = `n${this.#random.below(12)}`
    const create = async (): Promise<void> => {
      const { id } = await this.#world.manager.control.createNetwork(networkSpec(name, { configs }))
      this.#promises.network.made(id)
    }
    this.#count('network', create())
  }

  #rotate(): void {
    this.#count('rotation', this.#world.manager.control.rotateJoinToken('worker'))
  }

  #removeNetwork(): void {
    const { control } = this.#world.manager
    const network = this.#pick(control.networks())
    if (network === undefined) return
    const { id } = network
    this.#promises.network.ending(id)
    const remove = async (): Promise<void> => {
      await control.removeNetwork(id)
      this.#promises.network.ended(id)
    }
    this.#count('network removal', remove())
  }

  #attach(): void {
    const node = this.#pick(this.#nodes)
    const network = this.#pick(this.#world.manager.control.networks())
    if (node === undefined || network === undefined) return
    const wanted = network.ipam?.configs[0]?.subnet.replace(/[0-9]+\/.*$/, '')
    const addresses = this.#random.below(4) === 0 ? [`${wanted}${this.#random.below(64)}`] : []
    const isAgain = this.#random.below(3) === 0
    const containerId = `c${isAgain ? this.#random.below(5) : ++this.#names + 5}`
    const attach = async (): Promise<void> => {
      const id = await node.attach(network.id, { containerId, addresses })
      if (this.#nodes.includes(node)) this.#promises.task.made(id)
    }
    this.#count('attach', attach())
  }

  #detach(): void {
    const task = this.#pick(this.#world.manager.control.tasks())
    const node = this.#nodes.find(({ id }) => id === task?.nodeId)
    if (task === undefined || node === undefined) return
    this.#promises.task.ending(task.id)
    const detach = async (): Promise<void> => {
      await node.detach(task.id)
      this.#promises.task.ended(task.id)
    }
    this.#count('detach', detach())
  }

  #report(): void {
    const task = this.#pick(this.#world.manager.control.tasks())
    const node = this.#nodes.find(({ id }) => id === task?.nodeId)
    if (task === undefined || node === undefined) return
    // What failed is replaced when its container asks again.
    if (this.#random.below(5) === 0) {
      this.#promises.task.ending(task.id)
      this.#count('failure', node.report(task.id, TaskState.FAILED))
    } else {
      this.#count('report', node.report(task.id, TaskState.RUNNING))
    }
  }

  #removeNode(): void {
    const node = this.#pick(this.#nodes)
    if (node === undefined) return
    this.#nodes.splice(this.#nodes.indexOf(node), 1)
    this.#streams.delete(node)
    const { control } = this.#world.manager
    this.#promises.node.ending(node.id)
    const remove = async (): Promise<void> => {
      for (const { id, nodeId } of control.tasks()) {
        if (nodeId === node.id) this.#promises.task.ending(id)
      }
      await control.removeNode(node.id, { force: true })
      this.#promises.node.ended(node.id)
    }
    this.#count('node removal', remove())
  }

  /** For the next few writes the store has no room. */
  #fill(): void {
    const until = this.#store.commits + 1 + this.#random.below(4)
    const { fate } = this.#store
    this.#store.fate = (commit) => (commit <= until ? 'full' : fate(commit))
  }

  /** At one of the next few writes the machine stops; the write may count or not. */
  #crash(): void {
    const at = this.#store.commits + 1 + this.#random.below(6)
    const how = this.#random.below(2) === 0 ? 'lost' : 'kept'
    this.#store.fate = (commit) => (commit === at ? how : 'done')
  }

  /** Also while starting it may stop again. */
  async #reboot(): Promise<void> {
    for (;;) {
      this.counts.set('crash', (this.counts.get('crash') ?? 0) + 1)
      const store = this.#store.successor()
      this.#world.store = store
      if (this.#random.below(3) === 0) this.#crash()
      const progress = { isOpen: false }
      this.#world.start().then(
        () => (progress.isOpen = true),
        () => undefined,
      )
      while (!progress.isOpen && !store.isStopped) await turns(1)
      if (progress.isOpen) break
    }
    const returning = this.#nodes.filter(() => this.#random.below(3) > 0)
    await Promise.all(returning.map((node) => this.#returnUnlessStopped(node)))
  }

  async #returnUnlessStopped(node: TestNode): Promise<void> {
    void this.#return(node).catch(() => undefined)
    await turns(3)
  }

  /** Everybody is there, and has been told. */
  async #returnAll(): Promise<void> {
    await this.#world.clock.advance(8_000)
    const { control } = this.#world.manager
    for (const node of this.#nodes) {
      const stored = control.nodes().find(({ id }) => id === node.id)
      const isReady = stored?.status?.state === NodeState.READY
      // Whoever was there all the time shows whether every change has reached it.
      if (isReady && this.#streams.get(node)?.isDone === false) this.#count('kept', turns(0))
      else await this.#return(node)
    }
    await turns(5)
    await this.#world.clock.advance(0)
  }

  /** Whoever applies its assignments in order has what the store says it has. */
  #divergences(): string[] {
    const { control } = this.#world.manager
    return this.#nodes.flatMap((node) => {
      const stored = control.nodes().find(({ id }) => id === node.id)
      if (stored?.status?.state !== NodeState.READY) return [`node ${node.id} is not ready`]
      const has = [...appliedTo(this.#streams.get(node)?.messages ?? [])].sort()
      const should = control.tasks().filter(({ nodeId }) => nodeId === node.id)
      const expected = should.map(({ id }) => id).sort()
      const same = has.join() === expected.join()
      return same ? [] : [`node ${node.id} runs ${has.join()}, not ${expected.join()}`]
    })
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items.length === 0 ? undefined : items[this.#random.below(items.length)]
  }
}

/** An agent in a few lines (docker-wire §7.6). */
function appliedTo(messages: readonly AssignmentsMessage[]): Set<string> {
  let tasks = new Set<string>()
  let sequence = ''
  for (const { type, appliesTo, resultsIn, changes } of messages) {
    if (type === AssignmentsType.COMPLETE) tasks = new Set()
    else if (appliesTo !== sequence) throw new Error(`applies to ${appliesTo}, not ${sequence}`)
    sequence = resultsIn
    for (const { assignment, action } of changes) {
      const id = assignment?.item.value?.id ?? ''
      if (action === AssignmentAction.REMOVE) tasks.delete(id)
      else tasks.add(id)
    }
  }
  return tasks
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => void setImmediate(resolve))
}
