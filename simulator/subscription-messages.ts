/** What a client's text message asks for. Answers are in the venue's words. */
export type ClientRequest =
  | { readonly kind: 'subscribe'; readonly id: unknown; readonly streams: readonly string[] }
  | { readonly kind: 'unsubscribe'; readonly id: unknown; readonly streams: readonly string[] }
  | { readonly kind: 'list'; readonly id: unknown }
  | { readonly kind: 'set_combined'; readonly id: unknown; readonly value: boolean }
  | { readonly kind: 'get_combined'; readonly id: unknown }
  | { readonly kind: 'invalid'; readonly id: unknown; readonly code: number; readonly message: string };

export function parseClientRequest(text: string): ClientRequest {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return { kind: 'invalid', id: null, code: 3, message: `Invalid JSON: ${(error as Error).message}` };
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    return { kind: 'invalid', id: null, code: 2, message: 'Invalid request: request must be an object' };
  }
  const { method, params, id = null } = message as { method?: unknown; params?: unknown; id?: unknown };
  switch (method) {
    case 'SUBSCRIBE':
    case 'UNSUBSCRIBE':
      if (!Array.isArray(params) || !params.every((name) => typeof name === 'string')) {
        return { kind: 'invalid', id, code: 2, message: 'Invalid request: params must be an array of strings' };
      }
      return { kind: method === 'SUBSCRIBE' ? 'subscribe' : 'unsubscribe', id, streams: params };
    case 'LIST_SUBSCRIPTIONS':
      return { kind: 'list', id };
    case 'GET_PROPERTY':
      return { kind: 'get_combined', id };
    case 'SET_PROPERTY':
      if (!Array.isArray(params) || params[0] !== 'combined' || typeof params[1] !== 'boolean') {
        return { kind: 'invalid', id, code: 1, message: 'Invalid value type: expected ["combined", Boolean]' };
      }
      return { kind: 'set_combined', id, value: params[1] };
    default:
      return {
        kind: 'invalid',
        id,
        code: 2,
        message:
          'Invalid request: unknown variant, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`',
      };
  }
}

export function resultText(id: unknown, result: unknown): string {
  return JSON.stringify({ result, id });
}

export function errorText(id: unknown, code: number, message: string): string {
  return JSON.stringify({ error: { code, msg: message }, id });
}
