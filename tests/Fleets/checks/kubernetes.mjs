// Every object of the manifests: validated against Kubernetes' schemas and against the Pod Security level that its label claims; the pods go to stdout as JSON.
// Arguments: files. Levels: kubernetes.io/docs/concepts/security/pod-security-standards.
import fs from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ConfigMap, PersistentVolumeClaim, Pod } from 'kubernetes-models/v1';
import { Job, CronJob } from 'kubernetes-models/batch/v1';
import { WorkflowTemplate } from '@kubernetes-models/argo-workflows/argoproj.io/v1alpha1';
import { Application } from '@kubernetes-models/argo-cd/argoproj.io/v1alpha1';
import { GitRepository } from '@kubernetes-models/flux-cd/source.toolkit.fluxcd.io/v1';
import { Kustomization } from '@kubernetes-models/flux-cd/kustomize.toolkit.fluxcd.io/v1';
import { ImageRepository, ImagePolicy, ImageUpdateAutomation } from '@kubernetes-models/flux-cd/image.toolkit.fluxcd.io/v1';

const flux = { GitRepository, Kustomization, ImageRepository, ImagePolicy, ImageUpdateAutomation };
const models = { ConfigMap, PersistentVolumeClaim, Pod, Job, CronJob, WorkflowTemplate, Application, ...flux };
const problems = [];
const pods = [];

// Where each kind keeps its pod.
const podOf = {
  Pod: (o) => o.spec,
  Job: (o) => o.spec.template.spec,
  CronJob: (o) => o.spec.jobTemplate.spec.template.spec,
  Task: (o) => ({ containers: stepsOf(o), volumes: o.spec.volumes, restartPolicy: 'Never' }),
  WorkflowTemplate: (o) => ({ securityContext: o.spec.securityContext, volumes: o.spec.volumes, containers: o.spec.templates.map((t) => t.container), restartPolicy: 'Never' }),
};

// Of a Tekton step computeResources are what resources are of a container.
const stepsOf = (task) => task.spec.steps.map(({ computeResources, ...step }) => (computeResources ? { ...step, resources: computeResources } : step));

// The standards say the same of each kind.
const containersOf = (pod) => [...(pod.initContainers ?? []), ...pod.containers, ...(pod.ephemeralContainers ?? [])];

const baselineCapabilities = ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'];
const restrictedVolumes = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret', 'image'];

const selinuxTypes = ['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];

function* baseline(pod) {
  if (pod.hostNetwork || pod.hostPID || pod.hostIPC) yield 'host namespaces';
  for (const volume of pod.volumes ?? []) if (volume.hostPath) yield `volume ${volume.name} is a hostPath`;
  for (const context of [pod.securityContext ?? {}, ...containersOf(pod).map((c) => c.securityContext ?? {})]) {
    if (context.privileged) yield 'privileged';
    for (const capability of context.capabilities?.add ?? []) if (!baselineCapabilities.includes(capability)) yield `capability ${capability}`;
    if (context.seccompProfile?.type === 'Unconfined') yield 'seccomp Unconfined';
    if (context.appArmorProfile?.type === 'Unconfined') yield 'AppArmor Unconfined';
    if (context.procMount && context.procMount !== 'Default') yield 'procMount';
    if (context.sysctls?.length) yield 'sysctls';
    if (context.windowsOptions?.hostProcess) yield 'hostProcess';
    const { type, user, role } = context.seLinuxOptions ?? {};
    if (type && !selinuxTypes.includes(type)) yield `SELinux type ${type}`;
    if (user) yield `SELinux user ${user}`;
    if (role) yield `SELinux role ${role}`;
  }
  for (const container of containersOf(pod)) for (const port of container.ports ?? []) if (port.hostPort) yield 'hostPort';
}

function* restricted(pod) {
  yield* baseline(pod);
  for (const volume of pod.volumes ?? []) {
    const kind = Object.keys(volume).find((key) => key !== 'name');
    if (!restrictedVolumes.includes(kind)) yield `volume ${volume.name} is a ${kind}`;
  }
  const shared = pod.securityContext ?? {};
  for (const container of containersOf(pod)) {
    const own = container.securityContext ?? {};
    if (own.allowPrivilegeEscalation !== false) yield 'allowPrivilegeEscalation is not false';
    if ((own.runAsNonRoot ?? shared.runAsNonRoot) !== true) yield 'runAsNonRoot is not true';
    if ((own.runAsUser ?? shared.runAsUser) === 0) yield 'runAsUser is 0';
    if (!['RuntimeDefault', 'Localhost'].includes((own.seccompProfile ?? shared.seccompProfile)?.type)) yield 'no seccomp profile';
    if (!(own.capabilities?.drop ?? []).includes('ALL')) yield 'capabilities are not dropped';
    if ((own.capabilities?.add ?? []).some((c) => c !== 'NET_BIND_SERVICE')) yield 'capabilities are added';
  }
}

// Tekton has no schema outside of clusters: what a task refers to is declared, and its steps are containers.
function* task(object) {
  const { spec } = object;
  for (const { name, resources } of spec.steps) if (resources) yield `step ${name} has resources, which tekton.dev/v1 calls computeResources`;
  const text = JSON.stringify(spec.steps);
  const declared = { params: spec.params, workspaces: spec.workspaces };
  for (const [, kind, name] of text.matchAll(/\$\((params|workspaces)\.([A-Za-z-]+)/g)) if (!declared[kind].some((d) => d.name === name)) yield `no ${kind} ${name}`;
  for (const { name, description } of [...spec.params, ...spec.results]) if (!description) yield `${name} has no description`;
  try {
    new Pod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'task' }, spec: { containers: stepsOf(object), volumes: spec.volumes } }).validate();
  } catch (error) {
    yield error.message;
  }
}

// What an object of Flux takes for its own: an object beside it, by kind and name.
function* references({ kind, spec }) {
  if (spec.sourceRef) yield [spec.sourceRef.kind, spec.sourceRef.name];
  if (kind === 'ImagePolicy') yield ['ImageRepository', spec.imageRepositoryRef.name];
}

const levels = { restricted, baseline, privileged: function* () {} };
for (const file of process.argv.slice(2)) {
  const documents = parseAllDocuments(fs.readFileSync(file, 'utf8'));
  const objects = documents.map((document) => document.toJS());
  for (const [index, document] of documents.entries()) {
    const object = objects[index];
    const what = `${path.basename(file)}: ${object.kind}/${object.metadata.name}`;
    document.errors.forEach((error) => problems.push(`${what}: ${error.message}`));
    if (models[object.kind]) {
      try {
        new models[object.kind](object).validate();
      } catch (error) {
        problems.push(`${what}: ${error.message}`);
      }
    }
    if (!models[object.kind] && object.kind !== 'Task') problems.push(`${what}: nothing here knows this kind`);
    if (flux[object.kind]) {
      for (const [kind, name] of references(object)) {
        if (!objects.some((o) => o.kind === kind && o.metadata.name === name && o.metadata.namespace === object.metadata.namespace)) problems.push(`${what}: no ${kind} ${name}`);
      }
    }
    if (object.kind === 'Task') for (const problem of task(object)) problems.push(`${what}: ${problem}`);
    if (!podOf[object.kind]) continue;
    const pod = podOf[object.kind](object);
    const level = object.metadata.labels?.['kimg/pod-security'];
    if (!levels[level]) problems.push(`${what}: claims no Pod Security level`);
    else for (const problem of levels[level](pod)) problems.push(`${what}: not ${level}: ${problem}`);
    // A level that is claimed too high would say nothing.
    if (level === 'privileged' && [...baseline(pod)].length === 0) problems.push(`${what}: is baseline and claims privileged`);
    for (const container of containersOf(pod)) {
      for (const mount of container.volumeMounts ?? []) if (!pod.volumes.some((v) => v.name === mount.name)) problems.push(`${what}: no volume ${mount.name}`);
      for (const limit of ['memory', 'ephemeral-storage']) if (!container.resources?.limits?.[limit]) problems.push(`${what}: no ${limit} limit`);
    }
    pods.push({ name: object.metadata.name, kind: object.kind, level, pod });
  }
}
problems.forEach((problem) => console.error(problem));
console.log(JSON.stringify(pods));
process.exitCode = problems.length ? 1 : 0;
