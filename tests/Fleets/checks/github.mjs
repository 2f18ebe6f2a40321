// GitHub's own parser on action.yml and workflows: every problem it finds, a line each. Arguments: files.
import fs from 'node:fs';
import path from 'node:path';
import { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } from '@actions/workflow-parser';
import { parseAction } from '@actions/workflow-parser/actions/action-parser';

const trace = new NoOperationTraceWriter();
let problems = 0;
const report = (file, errors) => errors.forEach((error) => {
  problems++;
  console.log(`${file}: ${error.message ?? error.Message ?? error}`);
});

for (const file of process.argv.slice(2)) {
  const entry = { name: path.basename(file), content: fs.readFileSync(file, 'utf8') };
  if (path.basename(file) === 'action.yml') {
    const result = parseAction(entry, trace);
    report(file, result.context.errors.getErrors());
  } else {
    const result = parseWorkflow(entry, trace);
    report(file, result.context.errors.getErrors());
    if (result.value) {
      const template = await convertWorkflowTemplate(result.context, result.value);
      report(file, template.errors ?? []);
      console.log(`${file}: ${template.jobs.length} jobs`);
    }
  }
}
process.exitCode = problems ? 1 : 0;
