// One YAML document as JSON, for tests that look into it. Argument: file.
import fs from 'node:fs';
import { parse } from 'yaml';

process.stdout.write(JSON.stringify(parse(fs.readFileSync(process.argv[2], 'utf8'))));
