(function_definition name: (word) @name body: (_) @body) @function
(program (variable_assignment name: (variable_name) @name) @constant)
(program (declaration_command (variable_assignment name: (variable_name) @name)) @constant)

(comment) @comment

(command name: (command_name (word) @_source) . argument: (_) @module
  (#like? @_source "^(source|\\.)$")) @import

(variable_name) @use
(command_name (word) @use)
