// The entry of action.yml: gets the binary once, checks it, lets it use user namespaces where AppArmor keeps them, and hands everything
// to `kimg ci github`. Node's own modules only. It is JavaScript at all because only such actions get the cache service's token.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { createHash } = require('node:crypto');
const { spawnSync, spawn } = require('node:child_process');

// Written by the release: the version this action belongs to, and what its binaries are.
const release = JSON.parse(fs.readFileSync(path.join(__dirname, 'release.json'), 'utf8'));

const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
const say = (text) => process.stdout.write(`${text}\n`);

class Problem extends Error {}

function architecture() {
  const known = { x64: 'amd64', arm64: 'arm64' }[process.arch];
  if (process.platform !== 'linux' || !known) {
    throw new Problem(`kimg runs on Linux (amd64, arm64), not on ${process.platform} ${process.arch}. Use runs-on: ubuntu-latest`);
  }
  return known;
}

async function download(url) {
  for (let attempt = 1; ; attempt++) {
    let problem;
    try {
      const answer = await fetch(url, { redirect: 'follow' });
      if (answer.ok) return Buffer.from(await answer.arrayBuffer());
      problem = `${answer.status} ${answer.statusText}`;
      if (answer.status < 500 && answer.status !== 429) attempt = 4;
    } catch (error) {
      problem = error.cause?.message ?? error.message;
    }
    if (attempt >= 4) throw new Problem(`cannot download ${url}: ${problem}`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** attempt));
  }
}

// The digest of a binary: of the action's own version it is in release.json, of another one beside the download.
async function expected(version, name, base) {
  if (version === release.version && release.sha256?.[name]) return release.sha256[name];
  const sums = (await download(`${base}/SHA256SUMS`)).toString('utf8');
  const line = sums.split('\n').map((l) => l.trim().split(/\s+\*?/)).find(([, file]) => file === name);
  if (!line || !/^[0-9a-f]{64}$/.test(line[0])) throw new Problem(`${base}/SHA256SUMS has no line for ${name}`);
  return line[0];
}

const digestOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function binary() {
  // For tests of the action itself, and for runners without a network.
  if (process.env.KIMG_ACTION_BINARY) return process.env.KIMG_ACTION_BINARY;
  const version = (input('version') || release.version).replace(/^v/, '');
  if (!/^[0-9A-Za-z.+-]+$/.test(version)) throw new Problem(`the input 'version' is '${version}'. Write a version such as 1.2.3`);
  const name = `kimg-linux-${architecture()}`;
  const base = `${process.env.KIMG_ACTION_DOWNLOADS || release.downloads}/v${version}`;
  const sha256 = await expected(version, name, base);
  const cache = process.env.RUNNER_TOOL_CACHE || path.join(os.tmpdir(), 'kimg-tools');
  // Its digest is part of the path, and of the AppArmor profile that names the path.
  const directory = path.join(cache, 'kimg', version, sha256.slice(0, 16));
  const file = path.join(directory, 'kimg');
  if (fs.existsSync(file) && digestOf(fs.readFileSync(file)) === sha256) {
    say(`kimg ${version} (from the tool cache)`);
    return file;
  }
  const bytes = await download(`${base}/${name}`);
  const found = digestOf(bytes);
  if (found !== sha256) throw new Problem(`${base}/${name} is not what was released: its SHA-256 is ${found}, expected ${sha256}`);
  fs.mkdirSync(directory, { recursive: true });
  const half = `${file}.${process.pid}`;
  fs.writeFileSync(half, bytes, { mode: 0o755 });
  fs.renameSync(half, file);
  say(`kimg ${version} (sha256 ${sha256})`);
  return file;
}

// Ubuntu 24.04 keeps user namespaces from programs without a profile that says `userns`. Nothing else is allowed by this one.
function profile(file) {
  if (/[\0-\x1f\x7f]/.test(file)) throw new Problem('the path of the tool cache (RUNNER_TOOL_CACHE) has control characters');
  // In quotes for blanks; what AppArmor takes for a pattern or a variable stands for itself.
  const quoted = `"${file.replace(/[\\"*?[\]{}^@]/g, '\\$&')}"`;
  return `abi <abi/4.0>,\ninclude <tunables/global>\nprofile kimg ${quoted} flags=(unconfined) {\n  userns,\n}\n`;
}

function setUpIsolation(file) {
  const setup = input('isolation-setup') || 'auto';
  if (!['auto', 'none'].includes(setup)) throw new Problem(`the input 'isolation-setup' is '${setup}'. It takes auto or none`);
  const sysctl = process.env.KIMG_ACTION_USERNS_SYSCTL || '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
  const restricted = fs.existsSync(sysctl) && fs.readFileSync(sysctl, 'utf8').trim() === '1';
  if (!restricted || setup === 'none' || !['auto', 'userns'].includes(input('isolation') || 'auto') || process.getuid() === 0) return;
  const loaded = spawnSync('sudo', ['-n', 'apparmor_parser', '--replace', '--skip-cache'], { input: profile(file), encoding: 'utf8' });
  if (loaded.status === 0) {
    say(`AppArmor: loaded a profile that allows user namespaces to ${file} (isolation-setup: none forbids this)`);
  } else {
    const why = loaded.error?.message ?? loaded.stderr.trim().split('\n').pop();
    say(`::warning title=kimg::AppArmor keeps user namespaces from kimg, and no profile could be loaded (${why}). Steps with RUN will not work: run sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 in a step before`);
  }
}

function run(file) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, ['ci', 'github'], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => reject(new Problem(`cannot start ${file}: ${error.message}`)));
    child.on('exit', (code, signal) => resolve(code ?? 128 + os.constants.signals[signal]));
  });
}

async function main() {
  const file = await binary();
  setUpIsolation(file);
  process.exitCode = await run(file);
}

main().catch((error) => {
  const text = error instanceof Problem ? error.message : error.stack;
  say(`::error title=kimg::${text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')}`);
  process.exitCode = 1;
});
