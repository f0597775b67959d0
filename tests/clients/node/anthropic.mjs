// Anthropic's package; the tool loop is its own runner, which first asks for a thread that the server keeps.

import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';

export const connect = ({ base }) =>
  new Anthropic({ baseURL: base, apiKey: 'the gateway asks for none', maxRetries: 0 });

const body = ({ model, text }) => ({ model, max_tokens: 4096, messages: [{ role: 'user', content: text }] });

const shown = (answer) => ({
  text: answer.content.filter((block) => block.type === 'text').map((block) => block.text).join(''),
  finish: answer.stop_reason,
  model: answer.model,
  output: answer.usage.output_tokens,
});

const withTool = (asked, tool) => ({
  ...body(asked),
  tools: [
    betaTool({
      name: tool.name,
      description: tool.description,
      inputSchema: tool.schema,
      run: (input) => tool.run(input),
    }),
  ],
});

export const scenarios = {
  async plain(client, asked) {
    return shown(await client.messages.create(body(asked)));
  },

  async stream(client, asked) {
    const stream = client.messages.stream(body(asked));
    let pieces = 0;
    stream.on('text', () => pieces++);
    return { ...shown(await stream.finalMessage()), pieces };
  },

  async tools(client, asked, tool) {
    return shown(await client.beta.messages.toolRunner(withTool(asked, tool)));
  },

  async streamed_tools(client, asked, tool) {
    let last;
    for await (const stream of client.beta.messages.toolRunner({ ...withTool(asked, tool), stream: true })) {
      last = await stream.finalMessage();
    }
    return shown(last);
  },
};
