// Packs src/ into one orb as `circleci orb pack` does: node circleci-orb/pack.js > orb.yml
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const source = path.join(__dirname, 'src');
const indented = (text, indent) => text.split('\n').map((line) => (line.trim() === '' ? '' : indent + line)).join('\n');

// << include(FILE) >> stands for the file's text, as a block of YAML. What would be a parameter in it is escaped.
function include(text) {
  return text.replace(/^(\s*)(\S+): << include\(([^)]+)\) >>$/gm, (_, indent, key, file) => {
    const body = fs.readFileSync(path.join(source, file), 'utf8').trimEnd().replaceAll('<<', '\\<<');
    return `${indent}${key}: |\n${indented(body, `${indent}  `)}`;
  });
}

function pack() {
  let orb = fs.readFileSync(path.join(source, '@orb.yml'), 'utf8').trimEnd();
  for (const kind of ['commands', 'executors', 'jobs', 'examples']) {
    orb += `\n\n${kind}:`;
    for (const file of fs.readdirSync(path.join(source, kind)).sort()) {
      const text = include(fs.readFileSync(path.join(source, kind, file), 'utf8').trimEnd());
      orb += `\n  ${path.basename(file, '.yml')}:\n${indented(text, '    ')}`;
    }
  }
  return `${orb}\n`;
}

if (require.main === module) process.stdout.write(pack());
module.exports = { pack };
