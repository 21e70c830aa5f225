// The resource identifier of a server that names none.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourceIdentifier } from '../../../src/desired/resource.ts';
import { sample, setField, validServer } from '../../support/manifests.ts';

describe('the default resource identifier', () => {
  it("is the Service's URL with the server's path", () => {
    const object = sample('full');
    setField(object, 'spec.protectedResourceMetadata.resource', undefined);
    setField(object, 'spec.server.path', '/api/mcp');
    assert.equal(resourceIdentifier(validServer(object)), 'https://echo.demo.svc:8001/api/mcp');
  });
});
