// What action.yml declares, as JSON: inputs with their defaults, outputs. Argument: the file.
import fs from 'node:fs';
import { parse } from 'yaml';

const action = parse(fs.readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify({
  inputs: Object.fromEntries(Object.entries(action.inputs).map(([name, input]) => [name, input.default ?? ''])),
  undescribed: Object.entries({ ...action.inputs, ...action.outputs }).filter(([, value]) => !value.description).map(([name]) => name),
  outputs: Object.keys(action.outputs),
  using: action.runs.using,
  main: action.runs.main,
}));
