// Validates YAML against a JSON schema. Arguments: schema, YAML file, [key to wrap it in: orbs/NAME].
import fs from 'node:fs';
import { parse } from 'yaml';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

const [schemaFile, file, wrap] = process.argv.slice(2);
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
addFormats(ajv);
const validate = ajv.compile(JSON.parse(fs.readFileSync(schemaFile, 'utf8')));
let document = parse(fs.readFileSync(file, 'utf8'));
if (wrap === 'orb') document = { version: 2.1, orbs: { kimg: document }, workflows: { w: { jobs: [{ 'kimg/build_and_push': { image: 'x' } }] } } };
if (!validate(document)) {
  for (const error of validate.errors) console.log(`${file}: ${error.instancePath} ${error.message}`);
  process.exitCode = 1;
}
