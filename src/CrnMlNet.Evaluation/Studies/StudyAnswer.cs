namespace CrnMlNet.Evaluation.Studies;

/// <summary>What a worker chose.</summary>
/// <param name="Worker">Who.</param>
/// <param name="Pair">The pair's <see cref="StudyPair.Id"/>.</param>
/// <param name="Choice">The side with the more realistic image.</param>
/// <param name="ShownMilliseconds">For how long the pair was really shown, as the page measured it; null: it was not measured.</param>
public sealed record StudyAnswer(string Worker, int Pair, Side Choice, double? ShownMilliseconds = null);
