import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LIMITS } from '../limits.ts';
import { UsageError } from '../model/errors.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HttpRoute {
  /** Exact path: "/health". */
  readonly path: string;
  /** Answers without the token. */
  readonly isOpen: boolean;
  answer(): HttpAnswer | Promise<HttpAnswer>;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly routes: readonly HttpRoute[];
  /** Asked of every route that is not open; empty: none. */
  readonly authToken: string;
  /** Web origin that may read answers; empty: none. */
  readonly corsOrigin: string;
  onError(error: Error): void;
}

export function jsonAnswer(status: number, body: unknown): HttpAnswer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` };
}

const ALLOWED_METHODS = 'GET, HEAD';

/** Answers GET and HEAD on a few fixed paths, within limits on headers, time and connections. Request bodies are not read. */
export class HttpServer {
  readonly #server: Server;
  readonly #options: HttpServerOptions;
  readonly #routes: ReadonlyMap<string, HttpRoute>;
  readonly #tokenDigest: Buffer | undefined;

  /** @throws UsageError when the address cannot be used, naming the keys that change it */
  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options);
    await server.#listen();
    return server;
  }

  private constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#routes = new Map(options.routes.map((route) => [route.path, route]));
    this.#tokenDigest = options.authToken === '' ? undefined : digest(options.authToken);
    this.#server = createServer(
      {
        maxHeaderSize: LIMITS.http_header_bytes_max,
        requestTimeout: LIMITS.http_request_timeout_ms,
        headersTimeout: LIMITS.http_request_timeout_ms,
        keepAliveTimeout: LIMITS.http_keep_alive_ms,
        connectionsCheckingInterval: LIMITS.http_request_timeout_ms,
      },
      (request, response) => void this.#handle(request, response),
    );
    this.#server.maxConnections = LIMITS.http_connections_max;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** "http://127.0.0.1:8080" */
  get url(): string {
    const { host } = this.#options;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  /** Ends every connection, idle or not. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #listen(): Promise<void> {
    const { host, port, onError } = this.#options;
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException) => reject(new UsageError(explainListen(error, host, port)));
      this.#server.once('error', refuse);
      this.#server.listen(port, host, () => {
        this.#server.off('error', refuse);
        this.#server.on('error', onError);
        resolve();
      });
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cache-Control', 'no-store');
    if (this.#options.corsOrigin !== '') {
      response.setHeader('Access-Control-Allow-Origin', this.#options.corsOrigin);
      if (this.#options.corsOrigin !== '*') response.setHeader('Vary', 'Origin');
    }
    if (hasBody(request)) response.setHeader('Connection', 'close');
    try {
      send(request, response, await this.#answer(request, response));
    } catch (error) {
      this.#options.onError(error as Error);
      if (!response.headersSent) send(request, response, jsonAnswer(500, { error: 'internal error' }));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): HttpAnswer | Promise<HttpAnswer> {
    const route = this.#routes.get(request.url!.split('?', 1)[0]!);
    const isPreflight = request.method === 'OPTIONS' && this.#options.corsOrigin !== '';
    if (isPreflight && route !== undefined) {
      response.setHeader('Access-Control-Allow-Methods', ALLOWED_METHODS);
      response.setHeader('Access-Control-Allow-Headers', 'Authorization');
      return { status: 204, contentType: 'text/plain', body: '' };
    }
    if (!route?.isOpen && !this.#isAuthorized(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      return jsonAnswer(401, { error: 'a token is needed: Authorization: Bearer <auth_token>' });
    }
    if (route === undefined) return jsonAnswer(404, { error: 'not found', paths: [...this.#routes.keys()] });
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', ALLOWED_METHODS);
      return jsonAnswer(405, { error: 'method not allowed' });
    }
    return route.answer();
  }

  /** Digests have one length, so that comparing them tells nothing about the token, not even how long it is. */
  #isAuthorized(request: IncomingMessage): boolean {
    if (this.#tokenDigest === undefined) return true;
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(given), this.#tokenDigest);
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  if (answer.status !== 204) {
    response.setHeader('Content-Type', answer.contentType);
    response.setHeader('Content-Length', Buffer.byteLength(answer.body));
  }
  response.writeHead(answer.status);
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function explainListen(error: NodeJS.ErrnoException, host: string, port: number): string {
  const remedy = 'choose another with --health-host and --health-port (0 takes any free port)';
  switch (error.code) {
    case 'EADDRINUSE':
      return `health_port ${port} on ${host} is in use by another program: ${remedy}`;
    case 'EACCES':
      return `health_port ${port} on ${host} needs rights that this user lacks: ${remedy}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `health_host ${host} is not an address of this machine: ${remedy}`;
    default:
      return `health_port ${port} on ${host} cannot be opened (${error.code ?? error.message}): ${remedy}`;
  }
}
