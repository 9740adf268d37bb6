/** Namespaces: created at once and whole, entered for one call, found again. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createNamespace,
  deleteNamespace,
  findNamespaces,
  inNamespace,
  inNewNamespace,
  isKernelError,
  Kernel,
  listNamespaces,
  nameNamespace,
  NAMESPACE_DIRECTORY,
  namespaceIdentity,
  namespacePath,
  openNamespace,
  sys,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds, run, scratch, scratchName } from './scratch.ts'

describe('a named namespace', () => {
  test('is prepared before anybody sees its name', () => {
    const name = scratchName()
    const seen: string[][] = []
    const path = createNamespace({ name }, () => {
      seen.push(listNamespaces())
      using kernel = Kernel.open()
      kernel.links.create({ kind: 'bridge', name: 'br0', alias: 'weft:mark', up: true })
    })
    expect(seen[0]).not.toContain(name)
    expect(listNamespaces()).toContain(name)
    expect(path).toBe(join(NAMESPACE_DIRECTORY, name))
    expect(run(`ip -n ${name} link show br0`)).toContain('weft:mark')
  })

  test('is known to ip, and ip\'s to us', () => {
    const { name } = scratch()
    expect(run('ip netns list')).toContain(name)
    const theirs = scratchName()
    run(`ip netns add ${theirs}`)
    expect(listNamespaces()).toContain(theirs)
    expect(deleteNamespace({ name: theirs })).toBe(true)
    expect(run('ip netns list')).not.toContain(theirs)
  })

  test('that fails to be prepared leaves nothing', () => {
    const name = scratchName()
    const home = namespaceIdentity()
    const fail = (): never => {
      throw new Error('no')
    }
    expect(() => createNamespace({ name }, fail)).toThrow('no')
    expect(existsSync(namespacePath({ name }))).toBe(false)
    expect(namespaceIdentity()).toBe(home)
  })

  test('with a name taken is refused, and the one that has it stays', () => {
    const { kernel, name } = scratch()
    expect(() => createNamespace({ name })).toThrow(
      expect.objectContaining({
        code: 'ERR_KERNEL',
        details: {
          operation: 'name namespace',
          object: namespacePath({ name }),
          errno: 'EEXIST',
          diagnostic: 'File exists',
        },
      }),
    )
    expect(namespaceIdentity(namespacePath({ name }))).toBe(kernel.namespace.identity)
  })

  test.each(['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(256)])('cannot be called %j', (name) => {
    expect(() => createNamespace({ name })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_VALUE' }),
    )
  })

  test('can live in another directory, whose other files are passed over', () => {
    const directory = mkdtempSync(join(tmpdir(), 'linux-'))
    const where = { name: 'one', directory: join(directory, 'netns') }
    atEnd(() => {
      deleteNamespace(where)
      sys.umount2(where.directory, 2)
      rmSync(directory, { recursive: true })
    })
    const path = createNamespace(where)
    writeFileSync(join(where.directory, 'not-a-namespace'), '')
    expect(listNamespaces(where.directory)).toEqual(['one'])
    expect(deleteNamespace({ ...where, name: 'not-a-namespace' })).toBe(true)
    writeFileSync(join(where.directory, 'precious'), 'text')
    expect(() => deleteNamespace({ ...where, name: 'precious' })).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ errno: 'EINVAL' }) }),
    )
    expect(deleteNamespace(where)).toBe(true)
    expect(deleteNamespace(where)).toBe(false)
    expect(existsSync(path)).toBe(false)
    expect(listNamespaces(join(directory, 'nowhere'))).toEqual([])
  })

  test('that lost its name is given it again by who holds it, where it is free', () => {
    const where = { name: scratchName() }
    const path = createNamespace(where)
    using held = openNamespace(path)
    expect(() => nameNamespace(where, held.fd)).toThrow(
      expect.toSatisfy((error) => isKernelError(error, 'EEXIST')),
    )
    deleteNamespace(where)
    expect(nameNamespace(where, held.fd)).toBe(path)
    expect(namespaceIdentity(path)).toBe(held.identity)
  })

  test('lives on after its name while somebody holds it', () => {
    const { kernel, name } = scratch()
    kernel.links.create({ kind: 'bridge', name: 'br0' })
    deleteNamespace({ name })
    expect(kernel.links.get('br0')).not.toBeNull()
    const names = inNamespace(kernel.namespace.fd, () => {
      using inside = Kernel.open()
      return inside.links.list().map((link) => link.name)
    })
    expect(names).toContain('br0')
  })
})

describe('a visit', () => {
  test('happens inside, and ends at home', () => {
    const { kernel, path } = scratch()
    const home = namespaceIdentity()
    expect(inNamespace(path, () => namespaceIdentity())).toBe(kernel.namespace.identity)
    expect(namespaceIdentity()).toBe(home)
    expect(inNewNamespace(() => namespaceIdentity())).not.toBe(home)
    expect(namespaceIdentity()).toBe(home)
  })

  test('ends at home when it throws', () => {
    const { path } = scratch()
    const home = namespaceIdentity()
    const fail = (): never => {
      throw new Error('inside')
    }
    expect(() => inNamespace(path, fail)).toThrow('inside')
    expect(() => inNewNamespace(fail)).toThrow('inside')
    expect(namespaceIdentity()).toBe(home)
  })

  test('within a visit comes back to the first', () => {
    const [a, b] = [scratch(), scratch()]
    const seen = inNamespace(a.path, () => {
      const inner = inNamespace(b.path, () => namespaceIdentity())
      return [inner, namespaceIdentity()]
    })
    expect(seen).toEqual([b.kernel.namespace.identity, a.kernel.namespace.identity])
  })

  test('that returns a promise is a bug', async () => {
    const { path } = scratch()
    const home = namespaceIdentity()
    expect(() => inNamespace(path, async () => Promise.resolve())).toThrow(/bug.*promise/)
    expect(() => inNewNamespace(async () => Promise.resolve())).toThrow(/bug.*promise/)
    const name = scratchName()
    expect(() => createNamespace({ name }, async () => Promise.resolve())).toThrow(/bug.*promise/)
    expect(listNamespaces()).not.toContain(name)
    await Promise.resolve()
    expect(namespaceIdentity()).toBe(home)
  })

  test('to what is no namespace is refused', () => {
    expect(() => inNamespace('/nowhere', () => 1)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ errno: 'ENOENT' }) }),
    )
    expect(() => inNamespace('/dev/null', () => 1)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ errno: 'EINVAL' }) }),
    )
  })

  test('to a pipe waits for nobody, and a device is not opened', () => {
    const directory = mkdtempSync(join(tmpdir(), 'weft-'))
    const pipe = join(directory, 'pipe')
    run(`mkfifo ${pipe}`)
    try {
      for (const path of [pipe, '/dev/zero', directory]) {
        expect(() => openNamespace(path)).toThrow(
          expect.objectContaining({ details: expect.objectContaining({ errno: 'EINVAL' }) }),
        )
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('leaves all threads but the visiting one at home', () => {
    const { path } = scratch()
    const elsewhere = inNamespace(path, () => {
      const tasks = readdirSync(`/proc/${process.pid}/task`)
      const spaces = tasks.map((task) => namespaceIdentity(`/proc/self/task/${task}/ns/net`))
      return spaces.filter((space) => space === namespaceIdentity()).length
    })
    expect(elsewhere).toBe(1)
  })
})

describe('finding namespaces', () => {
  test('shows names and processes of each', () => {
    const { kernel, path } = scratch()
    const found = findNamespaces()
    const ours = found.find(({ identity }) => identity === kernel.namespace.identity)
    expect(ours).toEqual({ identity: kernel.namespace.identity, path, names: [path], pids: [] })
    const home = found.find(({ identity }) => identity === namespaceIdentity())
    expect(home?.pids).toContain(process.pid)
  })
})

test('nothing here leaks descriptors', () => {
  const { name, path } = scratch()
  const work = (): void => {
    inNamespace(path, () => undefined)
    inNewNamespace(() => undefined)
    openNamespace(path).close()
    Kernel.open(path).close()
    try {
      createNamespace({ name })
    } catch (error) {
      expect(isKernelError(error, 'EEXIST')).toBe(true)
    }
  }
  work()
  const before = openFds()
  for (let i = 0; i < 100; i++) work()
  expect(openFds()).toBe(before)
})
