// The AI SDK with its provider packages, each pointed at the gateway; the tool loop is the SDK's own.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, isStepCount, jsonSchema, streamText, tool as defined } from 'ai';

globalThis.AI_SDK_LOG_WARNINGS = false; // of models that it does not know by name

const apiKey = 'the gateway asks for none';
const STEPS = 5;

const body = ({ model, ...options }, { text }) => ({ model, prompt: text, maxRetries: 0, ...options });

const withTool = (model, asked, tool) => ({
  ...body(model, asked),
  stopWhen: isStepCount(STEPS),
  tools: {
    [tool.name]: defined({
      description: tool.description,
      inputSchema: jsonSchema(tool.schema),
      execute: async (input) => tool.run(input),
    }),
  },
});

const shown = ({ text, finishReason, response, usage }) => ({
  text,
  finish: finishReason,
  model: response.modelId,
  output: usage.outputTokens,
});

async function whole(asked) {
  return shown(await generateText(asked));
}

async function streamed(asked) {
  let failed = null;
  const result = streamText({
    ...asked,
    onError: ({ error }) => {
      failed ??= error;
    },
  });
  let pieces = 0;
  for await (const _ of result.textStream) pieces++;
  if (failed) throw failed;
  const [text, finishReason, response, usage] = await Promise.all([
    result.text,
    result.finishReason,
    result.response,
    result.usage,
  ]);
  return { ...shown({ text, finishReason, response, usage }), pieces };
}

const scenarios = {
  plain: (model, asked) => whole(body(model, asked)),
  stream: (model, asked) => streamed(body(model, asked)),
  tools: (model, asked, tool) => whole(withTool(model, asked, tool)),
  streamed_tools: (model, asked, tool) => streamed(withTool(model, asked, tool)),
};

// Every client makes a model, and options for the calls to it.
const client = (model, options = {}) => ({
  connect: ({ base, model: name }) => ({ model: model(base, name), ...options }),
  scenarios,
});

const openAIResponses = (base, name) => createOpenAI({ baseURL: `${base}/v1`, apiKey }).responses(name);

// The package's own default: later turns name what the server is believed to have kept.
export const stored = client(openAIResponses);
export const responses = client(openAIResponses, { providerOptions: { openai: { store: false } } });
export const chat = client((base, name) => createOpenAI({ baseURL: `${base}/v1`, apiKey }).chat(name));
export const compatible = client((base, name) =>
  createOpenAICompatible({ name: 'gateway', baseURL: `${base}/v1`, apiKey, includeUsage: true })(name),
);
export const anthropic = client((base, name) => createAnthropic({ baseURL: `${base}/v1`, apiKey })(name));
export const googleVectors = {
  connect: ({ base, model: name }) => createGoogle({ baseURL: `${base}/v1beta`, apiKey }).embedding(name),
  scenarios: {
    async embed(model, { text }) {
      return { vectors: (await embedMany({ model, values: text.split('|'), maxRetries: 0 })).embeddings };
    },
  },
};
export const google = client((base, name) => createGoogle({ baseURL: `${base}/v1beta`, apiKey })(name));
