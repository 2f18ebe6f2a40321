// GitHub's parser imports JSON as its bundlers take it, without the attribute that node wants.
import fs from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  load(url, context, next) {
    if (!url.includes('/@actions/') || !url.endsWith('.json')) return next(url, context);
    return { format: 'module', shortCircuit: true, source: `export default ${fs.readFileSync(fileURLToPath(url), 'utf8')}` };
  },
});
