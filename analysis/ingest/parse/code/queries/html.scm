; Headings, and elements that have a name to be linked by.
(element (start_tag (tag_name) @_tag) . (text) @name (#like? @_tag "^[hH][1-6]$")) @section
(element (start_tag (attribute (attribute_name) @_id [(quoted_attribute_value (attribute_value) @name) (attribute_value) @name]))
  (#like? @_id "^[iI][dD]$")) @section

(comment) @comment

(script_element (start_tag (attribute (attribute_name) @_src (quoted_attribute_value (attribute_value) @module)))
  (#like? @_src "^src$")) @import
(script_element (raw_text) @within)
