// What must not compile: a step left out, taken in the wrong order, or for something else. `npm run types` is the test.
import type { Principal } from '../../../../src/sidecar/authentication/authenticate.ts';
import { authorize, type Permit } from '../../../../src/sidecar/authorization/authorize.ts';
import type { Authority, InForce } from '../../../../src/sidecar/authorization/in-force.ts';
import type { ReceivedRequest } from '../../../../src/sidecar/http/received-request.ts';
import type { Admission } from '../../../../src/sidecar/limits/admission.ts';
import { callWithoutBody, uninspectedCall, type Call } from '../../../../src/sidecar/messages/call.ts';
import { proxy, type ProxyOptions } from '../../../../src/sidecar/proxy/proxy.ts';
import type { SessionUse } from '../../../../src/sidecar/sessions/session-binding.ts';

/** Never called. */
export function wrong(
  request: ReceivedRequest,
  principal: Principal,
  inForce: InForce,
  looked: Authority,
  call: Call,
  permit: Permit,
  options: ProxyOptions,
): void {
  // @ts-expect-error nothing is forwarded without a permit
  proxy({ principal, call }, options);
  // @ts-expect-error a permit is not made of parts of others
  proxy({ ...permit, call: { ...call, content: { kind: 'unread' as const } } } satisfies Permit, options);
  // @ts-expect-error authentication comes first
  authorize({ issuer: '', subject: '', scopes: ['mcp:basic'] }, call, inForce);
  // @ts-expect-error what decides is what is in force now, not a configuration that was looked up before
  authorize(principal, call, looked);
  // @ts-expect-error nor a policy of one
  authorize(principal, call, looked.policy);
  // @ts-expect-error a request that was not read is no call
  authorize(principal, request, inForce);
  // @ts-expect-error what was decided is no permit until it was looked at: the principal may not hold any more
  proxy(authorize(principal, call, inForce), options);
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
