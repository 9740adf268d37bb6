/** dockerode, which many programs use, against our API. */
import Docker from 'dockerode'
import { expect, test } from 'vitest'
import { serve } from './engine-server.ts'
import { RECORDED_NETWORKS, RECORDED_NODES, RECORDED_SWARM } from './recorded.ts'
import { controlOf, rig } from './scripted-node.ts'

test('reads a swarm, its nodes and its networks', async () => {
  await using server = await serve(rig('manager').api)
  const docker = new Docker({ socketPath: server.path })
  expect(String(await docker.ping())).toBe('OK')
  expect(await docker.swarmInspect()).toEqual(RECORDED_SWARM)
  expect(await docker.listNodes()).toEqual(RECORDED_NODES)
  expect(await docker.listNetworks()).toEqual(RECORDED_NETWORKS)
  const filters = { name: ['blue'], driver: ['overlay'] }
  expect(await docker.listNetworks({ filters })).toMatchObject([{ Name: 'blue' }])
  expect(await docker.info()).toMatchObject({ Swarm: { LocalNodeState: 'active' } })
  expect(await docker.version()).toMatchObject({ ApiVersion: '1.41' })
})

test('creates and removes a network', async () => {
  const one = rig('manager')
  await using server = await serve(one.api)
  const docker = new Docker({ socketPath: server.path, version: 'v1.41' })
  const network = await docker.createNetwork({ Name: 'red', Driver: 'overlay', Attachable: true })
  expect(await network.inspect()).toMatchObject({ Name: 'red', Attachable: true })
  await network.remove()
  const names = controlOf(one).networkObjects.map(({ spec }) => spec?.annotations?.name)
  expect(names).not.toContain('red')
})

test('hears of events, and hangs up', async () => {
  const one = rig('manager')
  await using server = await serve(one.api)
  const docker = new Docker({ socketPath: server.path })
  const stream = await docker.getEvents({ filters: { type: ['network'] } })
  const line = new Promise<string>((resolve) => {
    stream.once('data', (bytes: Buffer) => resolve(bytes.toString()))
  })
  const [object] = controlOf(one).networkObjects
  if (object === undefined) throw new Error('no network')
  controlOf(one).tell({ kind: 'network', action: 'update', object })
  expect(JSON.parse(await line)).toMatchObject({ Type: 'network', Actor: { ID: object.id } })
  if ('destroy' in stream) (stream as { destroy: () => void }).destroy()
})

test('gets errors as dockerd tells them', async () => {
  await using server = await serve(rig('worker').api)
  const docker = new Docker({ socketPath: server.path })
  await expect(docker.listNodes()).rejects.toMatchObject({ statusCode: 503 })
  await expect(docker.getNetwork('nope').inspect()).rejects.toMatchObject({
    statusCode: 404,
    json: { message: 'network nope not found' },
  })
  await expect(docker.listContainers()).rejects.toMatchObject({ statusCode: 501 })
})
