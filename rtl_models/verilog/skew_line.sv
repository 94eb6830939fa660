// The skew at an edge of the array: delays one lane's operands by DEPTH edges, its distance from the
// array's corner, so that partners meet. Data bits hold while what arrives is not valid.
module skew_line #(
    parameter int DEPTH = 1,
    parameter int BITS = 5,
    parameter int TAGS = 1  // bits that move at every edge, the valid bit not among them
) (
    input  logic clk,
    input  logic reset,
    input  logic valid,
    input  logic [TAGS-1:0] tags,
    input  logic [BITS-1:0] data,
    output logic out_valid,
    output logic [TAGS-1:0] out_tags,
    output logic [BITS-1:0] out_data
);
  logic [DEPTH-1:0] held_valid;
  logic [DEPTH*TAGS-1:0] held_tags;
  logic [DEPTH*BITS-1:0] held_data;

  // What arrives at each register, and behind the last one.
  logic [DEPTH:0] chain_valid;
  logic [(DEPTH+1)*TAGS-1:0] chain_tags;
  logic [(DEPTH+1)*BITS-1:0] chain_data;

  assign chain_valid = {held_valid, valid};
  assign chain_tags = {held_tags, tags};
  assign chain_data = {held_data, data};
  assign out_valid = chain_valid[DEPTH];
  assign out_tags = chain_tags[DEPTH*TAGS+:TAGS];
  assign out_data = chain_data[DEPTH*BITS+:BITS];

  always_ff @(posedge clk) begin
    if (reset) begin
      held_valid <= '0;
      held_tags <= '0;
      held_data <= '0;
    end else begin
      held_valid <= chain_valid[DEPTH-1:0];
      held_tags <= chain_tags[DEPTH*TAGS-1:0];
      for (int i = 0; i < DEPTH; i++) begin
        if (chain_valid[i]) held_data[i*BITS+:BITS] <= chain_data[i*BITS+:BITS];
      end
    end
  end
endmodule
