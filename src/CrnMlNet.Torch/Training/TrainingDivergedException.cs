namespace CrnMlNet.Torch.Training;

/// <summary>A training went astray: its loss or its weights are no numbers any more, or its discriminator has collapsed.</summary>
/// <param name="message">What happened, at which step, and what to do.</param>
public sealed class TrainingDivergedException(string message) : ArithmeticException(message);
