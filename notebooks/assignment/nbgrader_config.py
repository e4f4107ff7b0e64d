"""Settings of nbgrader; book/how-to/teach.md says how the assignment is used."""

c = get_config()  # noqa: F821  nbgrader defines it
c.CourseDirectory.course_id = "biased-ruler"
c.ClearSolutions.code_stub = {"python": "# your code\n..."}
c.ClearSolutions.text_stub = "Your answer."
c.ExecutePreprocessor.timeout = 120
