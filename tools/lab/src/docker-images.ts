/** Images without a registry: busybox for containers, and an empty root for the lab's hosts. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DOCKER_PROGRAMS } from './docker-tier.ts'

/** Image of containers: a static busybox with its applets. */
export const BUSYBOX_IMAGE = 'busybox:latest'

/** Image of the lab's hosts: empty folders, for the machine's own programs to be mounted on. */
export const HOST_IMAGE = 'weft-lab-host:latest'

/** Folders that a host needs; what is mounted from the machine is among them. */
const HOST_FOLDERS = [
  ...['usr', 'lib', 'lib64', 'bin', 'sbin', 'etc/alternatives', 'proc', 'sys', 'dev', 'run'],
  ...['root', 'tmp', 'var/lib/docker', 'var/lib/weft', 'var/log'],
]

/** Write both images as archives for `docker import` into a folder that exists. */
export function writeImages(folder: string): { readonly busybox: string; readonly host: string } {
  const busybox = join(folder, 'busybox')
  for (const name of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev']) {
    mkdirSync(join(busybox, name), { recursive: true })
  }
  const program = join(busybox, 'bin/busybox')
  copyFileSync(DOCKER_PROGRAMS.busybox, program)
  for (const applet of execFileSync(program, ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', join(busybox, 'bin', applet))
  }
  const host = join(folder, 'host')
  for (const name of HOST_FOLDERS) mkdirSync(join(host, name), { recursive: true })
  writeFileSync(join(host, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(host, 'etc/group'), 'root:x:0:\ndocker:x:102:\nweft:x:103:\n')
  return { busybox: archive(busybox), host: archive(host) }
}

function archive(folder: string): string {
  const file = `${folder}.tar`
  execFileSync('tar', ['-C', folder, '--owner=0', '--group=0', '-cf', file, '.'])
  return file
}
