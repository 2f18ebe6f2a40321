// GitHub's own client of its cache service.
//   node github-cache.cjs roundtrip DIRECTORY        saves a directory, removes it, restores it
//   node github-cache.cjs entry PREFIX VERSION FILE  downloads the newest entry of a prefix that somebody else wrote
const fs = require('fs');
const cache = require('@actions/cache');
const { internalCacheTwirpClient } = require('@actions/cache/lib/internal/shared/cacheTwirpClient');
const { downloadCache } = require('@actions/cache/lib/internal/cacheHttpClient');

const [verb, ...rest] = process.argv.slice(2);

const verbs = {
  async roundtrip(directory) {
    const id = await cache.saveCache([directory], 'node-modules-1');
    fs.rmSync(directory, { recursive: true });
    console.log(`saved ${id > 0}`);
    console.log('exact ' + await cache.restoreCache([directory], 'node-modules-1'));
    console.log('file ' + fs.readFileSync(directory + '/file', 'utf8').trim());
    console.log('prefix ' + await cache.restoreCache([directory], 'node-modules-2', ['node-modules-']));
    console.log('none ' + await cache.restoreCache([directory], 'other'));
  },
  async entry(prefix, version, file) {
    const answer = await internalCacheTwirpClient().GetCacheEntryDownloadURL({ key: prefix, restoreKeys: [prefix], version });
    console.log('found ' + answer.ok);
    if (!answer.ok) return;
    await downloadCache(answer.signedDownloadUrl, file);
    console.log('key ' + answer.matchedKey);
  },
};

verbs[verb](...rest).catch((error) => { console.log('error ' + error.message); process.exitCode = 1; });
