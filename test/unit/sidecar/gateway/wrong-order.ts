// What must not compile: a step left out, taken in the wrong order, or for something else. `npm run types` is the test.
import type { Principal } from '../../../../src/sidecar/authentication/authenticate.ts';
import { authorize, type Permit } from '../../../../src/sidecar/authorization/authorize.ts';
import type { Policy } from '../../../../src/sidecar/authorization/policy.ts';
import type { ReceivedRequest } from '../../../../src/sidecar/http/received-request.ts';
import type { Admission } from '../../../../src/sidecar/limits/admission.ts';
import { callWithoutBody, uninspectedCall, type Call } from '../../../../src/sidecar/messages/call.ts';
import { proxy, type ProxyOptions } from '../../../../src/sidecar/proxy/proxy.ts';
import type { SessionUse } from '../../../../src/sidecar/sessions/session-binding.ts';

/** Never called. */
export function wrong(
  request: ReceivedRequest,
  principal: Principal,
  policy: Policy,
  call: Call,
  permit: Permit,
  options: ProxyOptions,
): void {
  // @ts-expect-error nothing is forwarded without a permit
  proxy({ principal, call }, options);
  // @ts-expect-error a permit is not made of parts of others
  proxy({ ...permit, call: { ...call, content: { kind: 'unread' as const } } } satisfies Permit, options);
  // @ts-expect-error authentication comes first
  authorize({ issuer: '', subject: '', scopes: ['mcp:basic'] }, call, policy);
  // @ts-expect-error a request that was not read is no call
  authorize(principal, request, policy);
  // @ts-expect-error the session comes before the proxy
  proxy(permit, { ...options, session: { observe: undefined } });
  // @ts-expect-error so does the admission
  proxy(permit, { ...options, admission: {} });
  // @ts-expect-error a body goes by unread only where checks are off
  uninspectedCall(request, '', 'Enforced');
  // @ts-expect-error an admission is no session, nor the other way round
  const session: SessionUse = {} as Admission;
  // @ts-expect-error what a call holds is not changed
  callWithoutBody(request, '').content = { kind: 'unread' };
  void session;
}
