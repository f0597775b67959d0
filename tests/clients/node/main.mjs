// Runs the official Node clients against a gateway: one JSON request a line in, one JSON line of what the client saw out.
//
// A request is {client, scenario, base, model, text, tool: {name, description, schema}}; see the keys of `clients` and
// of each client's `scenarios`. What comes out is {text, finish, model, output, pieces, ran}, as far as the client tells,
// {tokens} of a count, {vectors} of texts parted by `|`, or {error: {kind, status, message, ...}}. Nothing is judged here:
// the Python tests do.

import { createInterface } from 'node:readline';

import { Tool } from './tool.mjs';

const clients = {
  'openai-chat': () => import('./openai-chat.mjs'),
  'openai-responses': () => import('./openai-responses.mjs'),
  'anthropic': () => import('./anthropic.mjs'),
  'google': () => import('./google.mjs'),
  'ai-openai': async () => (await import('./ai-sdk.mjs')).responses,
  'ai-openai-stored': async () => (await import('./ai-sdk.mjs')).stored,
  'ai-openai-chat': async () => (await import('./ai-sdk.mjs')).chat,
  'ai-compatible': async () => (await import('./ai-sdk.mjs')).compatible,
  'ai-anthropic': async () => (await import('./ai-sdk.mjs')).anthropic,
  'ai-google': async () => (await import('./ai-sdk.mjs')).google,
  'ai-google-vectors': async () => (await import('./ai-sdk.mjs')).googleVectors,
};

const failure = (error) => ({
  kind: error.name === 'Error' ? error.constructor.name : error.name,
  status: error.status ?? error.statusCode ?? null,
  message: error.message,
  body: error.error ?? error.responseBody ?? null,
});

async function seen({ client, scenario, ...asked }) {
  const tool = new Tool(asked.tool);
  try {
    const { connect, scenarios } = await clients[client]();
    return { ...(await scenarios[scenario](connect(asked), asked, tool)), ran: tool.ran };
  } catch (error) {
    return { error: failure(error), ran: tool.ran };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await seen(JSON.parse(line))) + '\n');
}
