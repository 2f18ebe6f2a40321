// The steps of a workflow's job as JSON, with every expression evaluated by GitHub's own evaluator. Arguments: the file, the job, the contexts as JSON; without the last two:
// all steps of all jobs with expressions as they are.
import fs from 'node:fs';
import { parse } from 'yaml';
import { Evaluator, Lexer, Parser, data } from '@actions/expressions';

const [file, job, given] = process.argv.slice(2);
const workflow = parse(fs.readFileSync(file, 'utf8'));
const toData = (value) => {
  if (value === null || typeof value !== 'object') return new data.StringData(String(value));
  const dictionary = new data.Dictionary();
  for (const [key, inner] of Object.entries(value)) dictionary.add(key, toData(inner));
  return dictionary;
};
function evaluate(text, contexts) {
  return text.replace(/\$\{\{(.*?)\}\}/gs, (_, expression) => {
    const tree = new Parser(new Lexer(expression.trim()).lex().tokens, Object.keys(contexts), []).parse();
    return new Evaluator(tree, toData(contexts)).evaluate().coerceString();
  });
}
const mapped = (object, change) => Object.fromEntries(Object.entries(object ?? {}).map(([key, value]) => [key, change(String(value))]));

const steps = [];
for (const [name, declared] of Object.entries(workflow.jobs)) {
  if (job && name !== job) continue;
  const contexts = given ? JSON.parse(given) : {};
  const change = (text) => (given ? evaluate(text, contexts) : text);
  const shared = mapped(declared.env, change);
  contexts.env = { ...contexts.env, ...shared };
  for (const step of declared.steps) {
    // What later steps need is not known before the earlier ones have run: it stays as it is.
    const late = (text) => { try { return change(text); } catch { return text; } };
    steps.push({
      job: name, when: declared.if ?? null, container: declared.container ?? null, id: step.id ?? null, name: step.name ?? null, uses: step.uses ?? null, run: step.run ? late(step.run) : null,
      with: mapped(step.with, late), env: { ...shared, ...mapped(step.env, late) },
    });
  }
}
console.log(JSON.stringify(steps));
