// Google's package; the tool loop is its own automatic function calling.

import { GoogleGenAI } from '@google/genai';

export const connect = ({ base }) =>
  new GoogleGenAI({ apiKey: 'the gateway asks for none', httpOptions: { baseUrl: base } }).models;

const body = ({ model, text }) => ({ model, contents: text });

// Not `answer.text`, which warns about every part that is not a text.
const textOf = (answer) => (answer.candidates[0].content?.parts ?? []).map((part) => part.text ?? '').join('');

const shown = (answer) => ({
  text: textOf(answer),
  finish: answer.candidates[0].finishReason,
  model: answer.modelVersion,
  output: answer.usageMetadata && answer.usageMetadata.totalTokenCount - answer.usageMetadata.promptTokenCount,
});

const withTool = (asked, tool) => ({
  ...body(asked),
  config: {
    tools: [
      {
        tool: async () => ({
          functionDeclarations: [
            { name: tool.name, description: tool.description, parametersJsonSchema: tool.schema },
          ],
        }),
        callTool: async (calls) =>
          calls.map(({ id, name, args }) => ({
            functionResponse: { id, name, response: { result: tool.run(args) } },
          })),
      },
    ],
  },
});

async function gathered(stream) {
  const texts = [];
  let last;
  for await (const chunk of stream) {
    if (textOf(chunk)) texts.push(textOf(chunk));
    last = chunk;
  }
  return { ...shown(last), text: texts.join(''), pieces: texts.length };
}

export const scenarios = {
  async plain(client, asked) {
    return shown(await client.generateContent(body(asked)));
  },

  async stream(client, asked) {
    return gathered(await client.generateContentStream(body(asked)));
  },

  async tools(client, asked, tool) {
    return shown(await client.generateContent(withTool(asked, tool)));
  },

  async streamed_tools(client, asked, tool) {
    return gathered(await client.generateContentStream(withTool(asked, tool)));
  },

  async count(client, asked) {
    return { tokens: (await client.countTokens(body(asked))).totalTokens };
  },

  async embed(client, { model, text }) {
    const { embeddings } = await client.embedContent({ model, contents: text.split('|') });
    return { vectors: embeddings.map((embedding) => embedding.values) };
  },
};
