// A bill of materials: the SPDX document against its schema, its licences and addresses by the parsers that others read them with; the CycloneDX document by CycloneDX' own
// validator. Arguments: SPDX schema, SPDX file, CycloneDX file. Prints the components of both as JSON.
import fs from 'node:fs';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import * as CycloneDX from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import parseLicence from 'spdx-expression-parse';

const [schemaFile, spdxFile, cdxFile] = process.argv.slice(2);
const problems = [];
const spdx = JSON.parse(fs.readFileSync(spdxFile, 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
const validate = ajv.compile(JSON.parse(fs.readFileSync(schemaFile, 'utf8')));
if (!validate(spdx)) for (const error of validate.errors) problems.push(`spdx: ${error.instancePath} ${error.message}`);
const own = new Set((spdx.hasExtractedLicensingInfos ?? []).map((info) => info.licenseId));
const identifiers = new Set(['SPDXRef-DOCUMENT', ...spdx.packages.map((p) => p.SPDXID)]);
for (const p of spdx.packages) {
  if (own.has(p.licenseDeclared)) continue;
  try {
    parseLicence(p.licenseDeclared);
  } catch (error) {
    problems.push(`spdx: ${p.name}: ${p.licenseDeclared}: ${error.message}`);
  }
}
for (const { spdxElementId, relatedSpdxElement } of spdx.relationships) {
  for (const id of [spdxElementId, relatedSpdxElement]) if (!identifiers.has(id)) problems.push(`spdx: there is no ${id}`);
}
const address = (text) => {
  const { type, namespace, name, version } = PackageURL.fromString(text);
  return { type, namespace, name, version };
};
const cdxText = fs.readFileSync(cdxFile, 'utf8');
const invalid = await new CycloneDX.Validation.JsonStrictValidator(CycloneDX.Spec.Version.v1dot6).validate(cdxText);
if (invalid) problems.push(`cyclonedx: ${JSON.stringify(invalid)}`);
const cdx = JSON.parse(cdxText);
console.log(JSON.stringify({
  spdx: spdx.packages.map((p) => ({ name: p.name, version: p.versionInfo, licence: p.licenseDeclared, purl: p.externalRefs ? address(p.externalRefs[0].referenceLocator) : null })),
  cyclonedx: cdx.components.map((c) => ({ name: c.name, version: c.version, purl: c.purl ? address(c.purl) : null })),
  sha256: [spdx.packages[0].checksums[0].checksumValue, cdx.metadata.component.hashes[0].content],
  created: [spdx.creationInfo.created, cdx.metadata.timestamp],
}));
problems.forEach((problem) => console.error(problem));
process.exitCode = problems.length ? 1 : 0;
