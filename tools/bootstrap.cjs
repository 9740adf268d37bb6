/**
 * First half of every npm script: installs the locked dependencies when they are not all there.
 *
 * Runs on the machine's own Node, before anything is installed, so it is plain JavaScript that
 * Node 18 understands. All it says goes to stderr: the stdout of `npm run demo -- --json` is one
 * document. It is no `pre…` script because npm leaves those out under `ignore-scripts`; and what
 * follows it is `env node`, not `node`, because the shell remembers where it found the first one.
 */
'use strict'

const { spawnSync } = require('child_process')
const { createHash } = require('crypto')
const fs = require('fs')
const path = require('path')

const NODE_MAJOR_MIN = 18
/** The first Node that runs TypeScript sources as they are; used where no pinned Node exists. */
const STRIPPING_NODE = [22, 18]
const ROOT = path.join(__dirname, '..')
const MODULES = path.join(ROOT, 'node_modules')
const LOCKFILE = path.join(ROOT, 'package-lock.json')
const STAMP = path.join(MODULES, '.weft-installed')
const PINNED_NODE = path.join(MODULES, '.bin', 'node')
const INSTALL = [
  'ci',
  '--ignore-scripts',
  '--loglevel=error',
  '--include=dev',
  '--include=optional',
]

function say(line) {
  fs.writeSync(2, 'weft: ' + line + '\n')
}

function fail(lines) {
  lines.forEach(say)
  process.exit(1)
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

/** Linux on x64 and arm64 has a Node of the right version among the optional dependencies. */
function hasPinnedNode() {
  return process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64')
}

function pinnedNodeIsThere() {
  return !hasPinnedNode() || fs.existsSync(PINNED_NODE)
}

/** The lockfile and the platform: one checkout may be mounted on several machines. */
function stampText() {
  const hash = createHash('sha256').update(fs.readFileSync(LOCKFILE)).digest('hex')
  return [hash, process.platform, process.arch].join(' ') + '\n'
}

function isStamped() {
  try {
    return fs.readFileSync(STAMP, 'utf8') === stampText()
  } catch {
    return false
  }
}

/**
 * Why node_modules is not what the lockfile says, from npm's own record of what it installed; null
 * when it is. Optional packages may be absent: they are for other platforms.
 */
function findGap() {
  const wanted = readJson(LOCKFILE)
  const installed = readJson(path.join(MODULES, '.package-lock.json'))
  if (wanted === null || !wanted.packages) return 'package-lock.json cannot be read'
  if (installed === null || !installed.packages) return 'nothing is installed'
  const gap = Object.keys(wanted.packages).find((name) => {
    const want = wanted.packages[name]
    if (!name.includes('node_modules/') || want.optional || want.devOptional) return false
    const have = installed.packages[name]
    if (!have || have.version !== want.version) return true
    return !fs.existsSync(path.join(ROOT, name, 'package.json'))
  })
  if (gap) return gap.slice('node_modules/'.length) + ' is missing or has another version'
  if (!hasPinnedNode()) return null
  const version = spawnSync(PINNED_NODE, ['--version'], { encoding: 'utf8' })
  if (version.status === 0) return null
  return 'the pinned Node ' + (version.error ? 'is missing' : 'does not run on this system')
}

/** A read-only node_modules that is complete is as good as a stamped one. */
function stamp() {
  try {
    fs.writeFileSync(STAMP, stampText())
  } catch {
    // Checked again next time.
  }
}

function isReady() {
  if (isStamped() && pinnedNodeIsThere()) return true
  if (findGap() !== null) return false
  stamp()
  return true
}

/** npm as it called us, or the one on the PATH when somebody ran this file by hand. */
function runNpm(args) {
  const npm = process.env.npm_execpath
  const options = { cwd: ROOT, stdio: ['ignore', 2, 2] }
  if (!npm || !/npm-cli\.[cm]?js$/.test(npm)) return spawnSync('npm', args, options)
  return spawnSync(process.execPath, [npm].concat(args), options)
}

function install() {
  if (isReady()) return
  say('installing dependencies (' + findGap() + ')')
  const run = runNpm(INSTALL)
  if (run.status !== 0) {
    const ending = run.error ? run.error.message : run.signal || 'exit code ' + run.status
    fail([
      'installing the dependencies failed: ' + ending + '. npm says why above.',
      'It needs a package registry it can reach, a writable node_modules and 500 MB of disk.',
      'By hand: npm ' + INSTALL.join(' '),
    ])
  }
  const gap = findGap()
  if (gap !== null) fail(['npm reported success, yet ' + gap, 'By hand: npm ' + INSTALL.join(' ')])
  stamp()
  say('dependencies installed')
}

/**
 * Two runs must not install at once. The kernel's lock on package-lock.json needs no file of its
 * own, works in a read-only checkout, and ends with the process that holds it. Without flock(1), go
 * on unlocked.
 */
function installAlone() {
  const probe = spawnSync('flock', ['-n', LOCKFILE, 'true'], { stdio: 'ignore' })
  if (probe.error) return install()
  if (probe.status !== 0) say('another run is installing; waiting for it')
  const argv = [LOCKFILE, process.execPath, __filename, '--locked']
  const run = spawnSync('flock', argv, { stdio: ['ignore', 2, 2] })
  if (run.status !== 0) process.exit(run.status || 1)
}

function checkVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < NODE_MAJOR_MIN) {
    fail([
      'Node ' + process.versions.node + ' is too old: ' + NODE_MAJOR_MIN + ' is the least.',
      'It only starts things: Node 26 comes with the dependencies and runs everything else.',
    ])
  }
  const [needMajor, needMinor] = STRIPPING_NODE
  const strips = major > needMajor || (major === needMajor && minor >= needMinor)
  if (!hasPinnedNode() && !strips) {
    fail([
      'there is no pinned Node for ' + process.platform + ' on ' + process.arch + '.',
      'Here the Node on the PATH must be ' + STRIPPING_NODE.join('.') + ' or newer, best 26;',
      'it is ' + process.versions.node + '.',
    ])
  }
}

checkVersion()
if (process.argv[2] === '--locked') install()
else if (!isReady()) installAlone()
