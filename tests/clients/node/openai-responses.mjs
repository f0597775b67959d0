// OpenAI's package on responses, which has no tool loop of its own there: items go back as they came.

import OpenAI from 'openai';

export const connect = ({ base }) =>
  new OpenAI({ baseURL: `${base}/v1`, apiKey: 'the gateway asks for none', maxRetries: 0 });

const shown = (answer) => ({
  text: answer.output_text,
  finish: answer.status,
  model: answer.model,
  output: answer.usage?.output_tokens,
});

const whole = (client, body) => client.responses.create(body);
const streamed = (client, body) => client.responses.stream(body).finalResponse();

async function loop(ask, client, { model, text }, tool) {
  const tools = [
    { type: 'function', name: tool.name, description: tool.description, parameters: tool.schema, strict: true },
  ];
  const input = [{ role: 'user', content: text }];
  for (;;) {
    const answer = await ask(client, { model, input, tools, store: false });
    const calls = answer.output.filter((item) => item.type === 'function_call');
    if (!calls.length) return shown(answer);
    input.push(...answer.output.map(({ parsed_arguments: _, ...item }) => item));
    for (const call of calls) {
      const output = tool.run(JSON.parse(call.arguments));
      input.push({ type: 'function_call_output', call_id: call.call_id, output });
    }
  }
}

export const scenarios = {
  async plain(client, { model, text }) {
    return shown(await whole(client, { model, input: text }));
  },

  async stream(client, { model, text }) {
    const stream = client.responses.stream({ model, input: text });
    let pieces = 0;
    let streamedText = '';
    stream.on('response.output_text.delta', ({ delta }) => {
      pieces++;
      streamedText += delta;
    });
    // The final response does not carry `output_text`; its deltas do.
    return { ...shown(await stream.finalResponse()), text: streamedText, pieces };
  },

  async tools(client, asked, tool) {
    return loop(whole, client, asked, tool);
  },

  async streamed_tools(client, asked, tool) {
    return loop(streamed, client, asked, tool);
  },
};
