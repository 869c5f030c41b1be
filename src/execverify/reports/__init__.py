"""Every page and table: self-contained HTML pages from Jinja2 templates, and Markdown tables.

reports.dataset.write_report(folder)             OUT/report.html of a dataset
reports.evaluation.write_run(folder, run)        results.json, table.md and report.html of an evaluation
reports.training.write_report(...)               OUT/report.md and report.html of a training
reports.ablation.write_pages(...)                table.md, report.html and the plots of an ablation
"""
