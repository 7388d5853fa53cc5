(stream (document (block_node (block_mapping (block_mapping_pair key: (flow_node) @name) @key))))
(stream (document (flow_node (flow_mapping (flow_pair key: (flow_node) @name) @key))))

(comment) @comment
