// What CircleCI's schema does not say of an orb: everything is described, every parameter that is used is declared, every command that a job uses is there. Argument: the orb.
import fs from 'node:fs';
import { parse } from 'yaml';

const orb = parse(fs.readFileSync(process.argv[2], 'utf8'));
const problems = [];
const built = ['checkout', 'run', 'steps', 'when', 'unless'];
for (const kind of ['commands', 'jobs', 'executors', 'examples']) {
  for (const [name, element] of Object.entries(orb[kind] ?? {})) {
    if (!element.description) problems.push(`${kind}/${name} has no description`);
    for (const [parameter, declared] of Object.entries(element.parameters ?? {})) {
      if (!declared.description) problems.push(`${kind}/${name}: ${parameter} has no description`);
    }
    if (kind === 'examples') continue;
    for (const [, used] of JSON.stringify(element).matchAll(/<< *parameters\.([a-z_]+) *>>/g)) {
      if (!element.parameters?.[used]) problems.push(`${kind}/${name}: ${used} is used and not declared`);
    }
    for (const step of element.steps ?? []) {
      const [command, given] = typeof step === 'string' ? [step, {}] : Object.entries(step)[0];
      if (built.includes(command)) continue;
      if (!orb.commands[command]) problems.push(`${kind}/${name}: there is no command ${command}`);
      else for (const key of Object.keys(given)) if (!orb.commands[command].parameters?.[key]) problems.push(`${kind}/${name}: ${command} has no parameter ${key}`);
    }
  }
}
for (const [name, { usage }] of Object.entries(orb.examples)) {
  for (const [, used] of JSON.stringify(usage).matchAll(/"kimg\/([a-z_]+)"/g)) {
    if (!orb.commands[used] && !orb.jobs[used] && !orb.executors[used]) problems.push(`examples/${name}: there is no ${used}`);
  }
}
problems.forEach((problem) => console.log(problem));
process.exitCode = problems.length ? 1 : 0;
