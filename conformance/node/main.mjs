// IBM's Node SDK against a region: tokens, tags and access over TLS.
//
// node main.mjs ENVIRONMENT_FILE [PART OF A NAME]; the last line is "N passed, N failed". The CA of
// the region is believed by NODE_EXTRA_CA_CERTS, as `ectype env` says it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import core from 'ibm-cloud-sdk-core';
import AccessGroups from '@ibm-cloud/platform-services/iam-access-groups/v2.js';
import IamIdentity from '@ibm-cloud/platform-services/iam-identity/v1.js';
import PolicyManagement from '@ibm-cloud/platform-services/iam-policy-management/v1.js';
import ResourceManager from '@ibm-cloud/platform-services/resource-manager/v2.js';
import GlobalSearch from '@ibm-cloud/platform-services/global-search/v2.js';
import GlobalTagging from '@ibm-cloud/platform-services/global-tagging/v1.js';

const { BaseService, IamAuthenticator } = core;
const environment = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const VERSION = { version: '2026-10-06', generation: 2 };

/** What a credential of the region's uses. */
class Region {
  constructor(apikey = environment.IBMCLOUD_API_KEY) {
    this.authenticator = new IamAuthenticator({
      apikey,
      url: environment.IBMCLOUD_IAM_API_ENDPOINT,
    });
    const client = (Client, service) =>
      new (Client.default ?? Client)({
        authenticator: this.authenticator,
        serviceUrl: environment[`IBMCLOUD_${service}_API_ENDPOINT`],
      });
    this.identity = client(IamIdentity, 'IAM');
    this.groups = client(AccessGroups, 'IAM');
    this.policies = client(PolicyManagement, 'IAM');
    this.manager = client(ResourceManager, 'RESOURCE_MANAGEMENT');
    this.tagging = client(GlobalTagging, 'GT');
    this.search = client(GlobalSearch, 'GS');
    this.vpc = new BaseService({
      authenticator: this.authenticator,
      serviceUrl: environment.IBMCLOUD_IS_NG_API_ENDPOINT,
    });
  }

  /** A call of the VPC API, by the core that IBM's clients share. */
  async call(method, url, body) {
    const defaultOptions = {
      serviceUrl: environment.IBMCLOUD_IS_NG_API_ENDPOINT,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
    };
    const options = { url, method, qs: VERSION, body };
    return (await this.vpc.createRequest({ options, defaultOptions })).result;
  }

  async account() {
    const { result } = await this.manager.listResourceGroups({ _default: true });
    return result.resources[0].account_id;
  }
}

/** The refusal of a call that must not work. */
async function refused(status, promise) {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (refusal) => refusal
  );
  assert.equal(error.status, status, error.message);
  return error;
}

let count = 0;
const fresh = (word) => `node-${word}-${(count += 1)}`;

const cases = {
  async a_token_comes_over_tls(region) {
    assert.match(environment.IBMCLOUD_IAM_API_ENDPOINT, /^https:/);
    const token = await region.authenticator.tokenManager.getToken();
    assert.equal(token.split('.').length, 3);
    const wrong = new Region('not-a-key');
    assert.equal((await refused(400, wrong.authenticator.tokenManager.getToken())).status, 400);
  },

  async without_the_ca_nobody_is_believed() {
    const script = `fetch(${JSON.stringify(`${environment.ECTYPE_URL}/healthz`)}).then(
      () => process.exit(1), (error) => console.log(error.cause?.code))`;
    const { NODE_EXTRA_CA_CERTS, ...env } = process.env;
    assert.ok(NODE_EXTRA_CA_CERTS, 'ectype env names the CA for Node');
    const said = execFileSync(process.execPath, ['--eval', script], { env, encoding: 'utf8' });
    assert.match(said, /SELF_SIGNED|UNABLE_TO_(VERIFY|GET)/);
  },

  async tags_are_attached_and_found(region) {
    const vpc = await region.call('POST', '/vpcs', { name: fresh('vpc') });
    const tag = fresh('tag');
    const resources = [{ resource_id: vpc.crn }];
    const { result } = await region.tagging.attachTag({ resources, tagNames: [tag] });
    assert.equal(result.results[0].is_error, false);
    const listed = await region.tagging.listTags({ attachedTo: vpc.crn });
    assert.deepEqual(listed.result.items.map((item) => item.name), [tag]);
    const found = await region.search.search({ query: `tags:${tag}`, fields: ['name', 'tags'] });
    assert.deepEqual(found.result.items.map((item) => item.name), [vpc.name]);
    await region.tagging.detachTag({ resources, tagNames: [tag] });
    await refused(400, region.tagging.attachTag({ resources, tagNames: ['a,b'] }));
    await region.call('DELETE', `/vpcs/${vpc.id}`);
    const late = await region.tagging.attachTag({ resources, tagNames: [tag] });
    assert.equal(late.result.results[0].is_error, true);
  },

  async a_service_id_may_what_its_group_may(region) {
    const accountId = await region.account();
    const service = await region.identity.createServiceId({ accountId, name: fresh('robot') });
    const iamId = service.result.iam_id;
    const key = await region.identity.createApiKey({ name: fresh('key'), iamId, accountId });
    const robot = new Region(key.result.apikey);
    const denied = await refused(403, robot.call('POST', '/vpcs', { name: fresh('vpc') }));
    assert.equal(denied.result.errors[0].code, 'not_authorized');
    // The core has a message of its own for each 403.
    assert.match(denied.result.errors[0].message, /is not authorized to [a-z.-]+ /);
    const group = await region.groups.createAccessGroup({ accountId, name: fresh('group') });
    const accessGroupId = group.result.id;
    const members = [{ iam_id: iamId, type: 'service' }];
    await region.groups.addMembersToAccessGroup({ accessGroupId, members });
    const role = (name) => ({ role_id: `crn:v1:bluemix:public:iam::::role:${name}` });
    const of = [
      { name: 'accountId', value: accountId },
      { name: 'serviceName', value: 'is' },
    ];
    const policy = await region.policies.createPolicy({
      type: 'access',
      subjects: [{ attributes: [{ name: 'access_group_id', value: accessGroupId }] }],
      roles: [role('Editor')],
      resources: [{ attributes: of }],
    });
    const all = {
      type: 'access',
      subjects: [{ attributes: [{ name: 'access_group_id', value: accessGroupId }] }],
      roles: [role('Viewer')],
      resources: [
        {
          attributes: [
            { name: 'accountId', value: accountId },
            { name: 'resourceType', value: 'resource-group' },
          ],
        },
      ],
    };
    const groups = await region.policies.createPolicy(all);
    const vpc = await robot.call('POST', '/vpcs', { name: fresh('vpc') });
    await robot.call('DELETE', `/vpcs/${vpc.id}`);
    for (const made of [policy, groups]) {
      await region.policies.deletePolicy({ policyId: made.result.id });
    }
    await refused(403, robot.call('POST', '/vpcs', { name: fresh('vpc') }));
    await region.identity.deleteServiceId({ id: service.result.id });
  },
};

let [passed, failed] = [0, 0];
for (const [name, run] of Object.entries(cases)) {
  if (!name.includes(process.argv[3] ?? '')) continue;
  try {
    await run(new Region());
    passed += 1;
    console.log(`ok     ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}`);
    console.log(error.stack, error.body ?? '');
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed || !passed ? 1 : 0;
