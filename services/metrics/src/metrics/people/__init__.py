"""Reading what is about people: who may, and the record that they did."""
